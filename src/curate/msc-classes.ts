/** @file The two-digit classes of the Mathematics Subject Classification 2020 (AMS and zbMATH), with short titles of our own. */

/** A subject by its two-digit code. */
export interface MscClass {
  readonly code: string;
  readonly title: string;
}

const TITLES = {
  "00": "General topics and recreational puzzles",
  "01": "History and biography",
  "03": "Logic and foundations",
  "05": "Combinatorics and graphs",
  "06": "Order and lattices",
  "08": "General algebraic systems",
  "11": "Number theory",
  "12": "Fields and polynomials",
  "13": "Commutative algebra",
  "14": "Algebraic geometry",
  "15": "Linear algebra and matrices",
  "16": "Associative rings",
  "17": "Nonassociative algebras, Lie algebras",
  "18": "Categories and homological algebra",
  "19": "K-theory",
  "20": "Groups",
  "22": "Topological groups, Lie groups",
  "26": "Real functions, calculus and inequalities",
  "28": "Measure and integration",
  "30": "Functions of one complex variable",
  "31": "Potential theory",
  "32": "Several complex variables",
  "33": "Special functions",
  "34": "Ordinary differential equations",
  "35": "Partial differential equations",
  "37": "Dynamical systems",
  "39": "Difference and functional equations, recurrences",
  "40": "Sequences and series",
  "41": "Approximations and expansions",
  "42": "Fourier analysis",
  "43": "Abstract harmonic analysis",
  "44": "Integral transforms",
  "45": "Integral equations",
  "46": "Functional analysis",
  "47": "Operators",
  "49": "Calculus of variations, optimal control",
  "51": "Geometry",
  "52": "Convex and discrete geometry",
  "53": "Differential geometry",
  "54": "General topology",
  "55": "Algebraic topology",
  "57": "Manifolds",
  "58": "Global analysis",
  "60": "Probability and random processes",
  "62": "Statistics",
  "65": "Numerical analysis",
  "68": "Computer science and programming",
  "70": "Mechanics of particles and systems",
  "74": "Mechanics of solids",
  "76": "Fluids",
  "78": "Optics and electromagnetism",
  "80": "Thermodynamics, heat and chemistry of states",
  "81": "Quantum theory",
  "82": "Statistical physics, matter",
  "83": "Relativity and gravitation",
  "85": "Astronomy and astrophysics",
  "86": "Geophysics",
  "90": "Operations research, optimisation",
  "91": "Games, economics, social sciences",
  "92": "Biology, medicine and other natural sciences",
  "93": "Systems and control",
  "94": "Information, coding, circuits, cryptography",
  "97": "Teaching, elementary school mathematics and language tasks",
} as const;

/** All 63 classes, by code. */
export const MSC_CLASSES: readonly MscClass[] = Object.entries(TITLES)
  .map(([code, title]) => ({ code, title }))
  .sort((a, b) => (a.code < b.code ? -1 : 1));

/** Where a question goes whose class nobody could tell: a domain like any other, never a silent drop. */
export const UNCLASSIFIED = "unclassified";

/** A class as a domain's name: `11 Number theory`; undefined for a code that is none. */
export function mscDomain(code: string): string | undefined {
  const found = MSC_CLASSES.find((one) => one.code === code);
  return found && `${found.code} ${found.title}`;
}

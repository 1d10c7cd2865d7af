/** @file Brings what models type to one LaTeX-like spelling before it is read: Unicode maths, spacing, doubled backslashes. */

const SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿⁱ";
const SUPERSCRIPT_VALUES = "0123456789+-ni";
const SUBSCRIPTS = "₀₁₂₃₄₅₆₇₈₉₊₋";
const SUBSCRIPT_VALUES = "0123456789+-";

const FRACTIONS: Readonly<Record<string, string>> = {
  "½": "1/2",
  "⅓": "1/3",
  "⅔": "2/3",
  "¼": "1/4",
  "¾": "3/4",
  "⅕": "1/5",
  "⅖": "2/5",
  "⅗": "3/5",
  "⅘": "4/5",
  "⅙": "1/6",
  "⅚": "5/6",
  "⅐": "1/7",
  "⅛": "1/8",
  "⅜": "3/8",
  "⅝": "5/8",
  "⅞": "7/8",
  "⅑": "1/9",
  "⅒": "1/10",
};

/** Signs and letters by the LaTeX that means the same. */
const SIGNS: Readonly<Record<string, string>> = {
  "−": "-",
  "‐": "-",
  "‑": "-",
  "–": "-",
  "—": "-",
  "﹣": "-",
  "×": "\\times ",
  "✕": "\\times ",
  "⋅": "\\cdot ",
  "·": "\\cdot ",
  "•": "\\cdot ",
  "∙": "\\cdot ",
  "∗": "*",
  "÷": "\\div ",
  "∕": "/",
  "⁄": "/",
  "±": "\\pm ",
  "∓": "\\mp ",
  "≤": "\\le ",
  "≦": "\\le ",
  "⩽": "\\le ",
  "≥": "\\ge ",
  "≧": "\\ge ",
  "⩾": "\\ge ",
  "≠": "\\ne ",
  "≈": "\\approx ",
  "≃": "\\approx ",
  "≅": "\\cong ",
  "≡": "\\equiv ",
  "∈": "\\in ",
  "∞": "\\infty ",
  "∪": "\\cup ",
  "∩": "\\cap ",
  "∖": "\\setminus ",
  "∅": "\\emptyset ",
  "∣": "|",
  ℝ: "\\mathbb{R}",
  ℤ: "\\mathbb{Z}",
  ℕ: "\\mathbb{N}",
  ℚ: "\\mathbb{Q}",
  ℂ: "\\mathbb{C}",
  "√": "\\sqrt ",
  "∛": "\\cbrt ",
  π: "\\pi ",
  θ: "\\theta ",
  α: "\\alpha ",
  β: "\\beta ",
  γ: "\\gamma ",
  δ: "\\delta ",
  λ: "\\lambda ",
  μ: "\\mu ",
  φ: "\\phi ",
  ϕ: "\\phi ",
  ω: "\\omega ",
  σ: "\\sigma ",
  ρ: "\\rho ",
  ε: "\\epsilon ",
  τ: "\\tau ",
  "∑": "\\sum ",
  "∏": "\\prod ",
  "∫": "\\int ",
  "°": "^\\circ ",
  º: "^\\circ ",
  "′": "'",
  "’": "'",
  "‘": "'",
  "“": '"',
  "”": '"',
  "€": "\\dollar ",
  "£": "\\dollar ",
  "¥": "\\dollar ",
  "₹": "\\dollar ",
  "⟨": "\\langle ",
  "⟩": "\\rangle ",
  "⌊": "\\lfloor ",
  "⌋": "\\rfloor ",
  "⌈": "\\lceil ",
  "⌉": "\\rceil ",
  "…": "\\ldots ",
  "⋯": "\\ldots ",
  "⇒": "\\Rightarrow ",
  "→": "\\to ",
  "،": ",",
  "，": ",",
  "：": ":",
  "；": ";",
  "\u00a0": " ",
  "\u2009": " ",
  "\u202f": " ",
  "\u2062": "",
  "\u200b": "",
};

const CLASS = (characters: string): string => `[${characters.replace(/[\\\]^-]/g, "\\$&")}]`;
const SUPERSCRIPT_RUN = new RegExp(`${CLASS(SUPERSCRIPTS)}+`, "gu");
const SUBSCRIPT_RUN = new RegExp(`${CLASS(SUBSCRIPTS)}+`, "gu");
const FRACTION = new RegExp(`(\\d?)[ ]?(${CLASS(Object.keys(FRACTIONS).join(""))})`, "gu");
const SIGN = new RegExp(CLASS(Object.keys(SIGNS).join("")), "gu");
const FULL_WIDTH = /[\uff01-\uff5e]/gu;
/** Letters and digits of mathematical typefaces. */
const TYPEFACES = /[\u{1d400}-\u{1d7ff}]/gu;
const NOT_ASCII = /[^\u0000-\u007f]/u;

/** The same text with Unicode maths as LaTeX. Linear in the text's length. */
export function unicodeToLatex(text: string): string {
  if (!NOT_ASCII.test(text)) return text;
  return text
    .replace(FULL_WIDTH, (character) => String.fromCharCode(character.charCodeAt(0) - 0xfee0))
    .replace(TYPEFACES, (character) => character.normalize("NFKC"))
    .replace(SUPERSCRIPT_RUN, (run) => `^{${translate(run, SUPERSCRIPTS, SUPERSCRIPT_VALUES)}}`)
    .replace(SUBSCRIPT_RUN, (run) => `_{${translate(run, SUBSCRIPTS, SUBSCRIPT_VALUES)}}`)
    .replace(FRACTION, (_, digit: string, sign: string) => vulgarFraction(digit, sign))
    .replace(SIGN, (sign) => SIGNS[sign] ?? sign);
}

function translate(run: string, from: string, to: string): string {
  return Array.from(run)
    .map((character) => to.charAt(from.indexOf(character)))
    .join("");
}

function vulgarFraction(digit: string, sign: string): string {
  const [top = "", bottom = ""] = (FRACTIONS[sign] ?? "").split("/");
  return `${digit}\\frac{${top}}{${bottom}}`;
}

/** A command behind a doubled backslash, as texts escaped once too often have it. */
const DOUBLED =
  /\\\\(?=(?:[dt]?frac|sqrt|left|right|boxed|text|mathrm|mathbf|cdot|times|pi|le|leq|ge|geq|lt|gt|neq?|infty|cup|cap|in|pm|binom|begin|end|approx|quad|circ|theta|alpha|beta|sin|cos|tan|log|ln|[{}%$,;! ])(?![a-z]))/gu;
const ROWS = /\\begin\s*\{/u;
/** Spaces that stand for nothing; a thin one between digits groups thousands, which the reader of numbers knows. */
const THIN_SPACE = /(?<!\\)\\[,:;> ]|~|\\(?:thinspace|medspace|thickspace|enspace)(?![a-zA-Z])/gu;
const NEGATIVE_SPACE = /(?<!\\)\\!/gu;
const BRACED_COMMA = /(?:\\text\s*)?\{\s*([,.:])\s*\}/gu;
const DEGREE = /\\degrees?(?![a-zA-Z])/gu;
const ROW_SPACE = /\\\\\s*\[[^\]]{0,12}\]/gu;
const WIDE_SPACE = /(?:\\q?quad)+/gu;
const NOT_EQUAL = /\\not\s*=/gu;
const NOT_IN = /\\not\s*\\in/gu;
const DOT_FRACTIONS = /\\(?:[dtcsx]|nice)frac(?![a-zA-Z])/gu;
/** `\in \mathbf{N}`, `\in Z`: number sets by their letters alone. */
const IN_LETTER = /\\in\s*(?:\\math(?:bf|rm)\s*\{\s*([NZQRC])\s*\}|([NZQRC])(?![a-zA-Z(_]))/gu;
/** A brace on the left of an array is one of cases. */
const CASES =
  /\\left\s*\\\{\s*\\begin\s*\{(array|aligned|gathered|matrix)\}\s*(?:\{[lcr| ]{1,8}\})?([^]{0,1024}?)\\end\s*\{\1\}\s*\\right\s*(?:\.|$)/gu;
const DOT_BINOMIALS = /\\[dt]binom(?![a-zA-Z])/gu;
/** Behind a digit three dots go on a decimal; elsewhere they go on a list. */
const ELLIPSIS = /(?<![\d.])\.{3}(?!\.)/gu;
const POWER = /\*\*/gu;
const DOLLAR = /\\\$/gu;
const PLAIN_SPACE = /\s+/gu;

/** An answer's text in the one spelling that the tokenizer reads. Linear in the text's length; never longer than thrice it. */
export function normaliseAnswer(text: string): string {
  const latex = unicodeToLatex(text);
  if (!latex.includes("\\") && !latex.includes("{")) return plainText(latex);
  const single = ROWS.test(latex) ? latex : latex.replace(DOUBLED, "\\");
  return single
    .replace(ROW_SPACE, "\\\\ ")
    .replace(DEGREE, "^\\circ ")
    .replace(NEGATIVE_SPACE, "")
    .replace(BRACED_COMMA, "$1")
    .replace(WIDE_SPACE, "\\quad ")
    .replace(THIN_SPACE, " ")
    .replace(CASES, "\\begin{cases}$2\\end{cases}")
    .replace(NOT_IN, "\\notin ")
    .replace(IN_LETTER, "\\in \\mathbb{$1$2}")
    .replace(NOT_EQUAL, "\\ne ")
    .replace(DOT_FRACTIONS, "\\frac")
    .replace(DOT_BINOMIALS, "\\binom")
    .replace(POWER, "^")
    .replace(ELLIPSIS, "\\ldots ")
    .replace(DOLLAR, "\\dollar ")
    .replace(PLAIN_SPACE, " ")
    .trim();
}

/** The same for a text without LaTeX. */
function plainText(text: string): string {
  return text.replaceAll("**", "^").replaceAll("~", " ").replace(ELLIPSIS, "\\ldots ").replace(PLAIN_SPACE, " ").trim();
}

/** @file The registry of all programmatic question families. */
import type { FamilyName } from "../schema/family-names.ts";
import { chainAsFamily } from "./chain-as-family.ts";
import { chainFamilies } from "./chain-families.ts";
import type { Family } from "./family.ts";
import { calendar, clockTime } from "./families/calendar.ts";
import { competition } from "./families/competition/competition.ts";
import { complexArithmetic } from "./families/complex-arithmetic.ts";
import { countdown } from "./families/countdown.ts";
import { counting } from "./families/counting.ts";
import { baseConversion, bitwise, modularPower } from "./families/digits.ts";
import { countPrimes, gcd, lcm, primeFactorization } from "./families/divisors.ts";
import { linearEquation, linearSystem, polynomialRoots } from "./families/equations.ts";
import { basicArithmetic, decimalArithmetic, fractionArithmetic } from "./families/expressions.ts";
import { miniSudoku } from "./families/mini-sudoku.ts";
import { nQueens } from "./families/n-queens.ts";
import { numberSequence } from "./families/number-sequence.ts";
import { programTrace } from "./families/program-trace.ts";
import { programming } from "./families/programming.ts";
import { shortestPath } from "./families/shortest-path.ts";
import { knightsAndKnaves, propositionalLogic } from "./families/truth.ts";
import { waterJugs } from "./families/water-jugs.ts";

/** The programmatic families by the name that a recipe uses. */
export const families: Readonly<Record<FamilyName, Family>> = {
  arithmetic: chainAsFamily(chainFamilies.arithmetic, {
    description: "a chain of sums in a short notation, which the embedded base was pre-trained on",
    domain: "arithmetic",
  }),
  program: chainAsFamily(chainFamilies.program, {
    description: "what a one-variable program prints, which the embedded base was pre-trained on",
    domain: "programming",
  }),
  "basic-arithmetic": basicArithmetic,
  "decimal-arithmetic": decimalArithmetic,
  "fraction-arithmetic": fractionArithmetic,
  gcd,
  lcm,
  "prime-factorization": primeFactorization,
  "count-primes": countPrimes,
  "base-conversion": baseConversion,
  "modular-power": modularPower,
  bitwise,
  "linear-equation": linearEquation,
  "linear-system": linearSystem,
  "polynomial-roots": polynomialRoots,
  "complex-arithmetic": complexArithmetic,
  "number-sequence": numberSequence,
  counting,
  calendar,
  "clock-time": clockTime,
  countdown,
  "n-queens": nQueens,
  "mini-sudoku": miniSudoku,
  "knights-and-knaves": knightsAndKnaves,
  "water-jugs": waterJugs,
  "shortest-path": shortestPath,
  "propositional-logic": propositionalLogic,
  competition,
  "program-trace": programTrace,
  programming,
};

/**
 * @file What EvalPlus' data cannot say of itself: which lists of MBPP+'s JSON stand for tuples, sets or complex numbers, and
 * how some results are compared. Facts from EvalPlus 0.3.1 (evalplus/data/mbpp.py, evalplus/eval/_special_oracle.py,
 * Apache-2.0), written anew as tables.
 */
import type { PlusOracle } from "../../grade/code/code-spec.ts";
import type { PythonShape } from "./python-literal.ts";

const TUPLES_IN_LIST: PythonShape = { listOf: "tuple" };

/** Shapes of the arguments, by the numbers of the tasks that have them; the last one holds for all further arguments. */
const MBPP_SHAPES: readonly { readonly tasks: readonly number[]; readonly shapes: readonly PythonShape[] }[] = [
  {
    tasks: [2, 116, 132, 143, 222, 261, 273, 394, 399, 421, 424, 429, 470, 560, 579, 596, 616, 630, 726, 740, 744, 809],
    shapes: ["tuple"],
  },
  { tasks: [63, 64, 70, 94, 120, 237, 272, 299, 400, 409, 417, 438, 473, 614, 780], shapes: [TUPLES_IN_LIST] },
  { tasks: [75, 413, 444, 753], shapes: [TUPLES_IN_LIST, "keep"] },
  { tasks: [106, 750], shapes: ["keep", "tuple", "keep"] },
  { tasks: [115], shapes: [{ listOf: "set" }, "keep"] },
  { tasks: [124], shapes: ["float", "complex"] },
  { tasks: [250, 307, 405, 446, 617, 720, 763, 808], shapes: ["tuple", "keep"] },
  { tasks: [259, 278, 401, 445], shapes: [{ tupleOf: "tuple" }] },
  { tasks: [722], shapes: [{ dictOf: "tuple" }, "keep"] },
  { tasks: [252], shapes: ["complex"] },
  { tasks: [580, 615, 791], shapes: ["tuples"] },
];

/** Shapes of an MBPP+ task's arguments, by its number. */
export function mbppShapes(task: number): readonly PythonShape[] {
  return MBPP_SHAPES.find(({ tasks }) => tasks.includes(task))?.shapes ?? ["keep"];
}

const UNORDERED = new Set([
  "similar_elements",
  "find_char_long",
  "common_in_nested_lists",
  "extract_singly",
  "larg_nnum",
  "intersection_array",
  "find_dissimilar",
  "Diff",
]);
const NOT_NONE = new Set(["check_str", "text_match_three", "text_starta_endb"]);

/** How an MBPP+ function's result is compared with the canonical one's. */
export function mbppOracle(entryPoint: string): PlusOracle {
  if (UNORDERED.has(entryPoint)) return "unordered";
  return NOT_NONE.has(entryPoint) ? "not-none" : "equal";
}

/** How a HumanEval+ function's result is compared: a root of a polynomial is any that makes it 0. */
export function humanEvalOracle(entryPoint: string): PlusOracle {
  return entryPoint === "find_zero" ? "root" : "equal";
}

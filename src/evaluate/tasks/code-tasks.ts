/** @file HumanEval, MBPP and their EvalPlus versions: the reply is a Python function, and tests in the sandbox grade it. */
import type { PlusOracle } from "../../grade/code/code-spec.ts";
import { codeDraft } from "./code-draft.ts";
import { humanEvalOracle, mbppOracle, mbppShapes } from "./evalplus-inputs.ts";
import { jsonElements, LiteralError, pythonArguments, type PythonShape } from "./python-literal.ts";
import type { QuestionDraft, TaskDefinition } from "./task-definition.ts";
import { findField, optionalTextField, rowError, type TaskRow, textField, textListField } from "./task-row.ts";

/** What a code task asks: the stub alone for HumanEval, the text and its tests for MBPP. */
const CODE_PROMPT = "code-1";
const IDENTIFIER = /^[A-Za-z_][A-Za-z0-9_]{0,99}$/;
const RAW_INPUTS = ["base_input", "plus_input"] as const;

const CODE = {
  version: "1",
  promptVersion: CODE_PROMPT,
  profile: "code",
  needs: ["codeRunner"],
  duplicates: "refuse",
} as const;

function entryPointOf(row: TaskRow): string {
  const name = textField(row, ["entry_point"]);
  if (!IDENTIFIER.test(name)) throw rowError(row, "entry_point", `"${name}" is no name of a function`);
  return name;
}

function readHumanEval(row: TaskRow): QuestionDraft {
  const id = textField(row, ["task_id"]);
  const prompt = textField(row, ["prompt"]);
  const entryPoint = entryPointOf(row);
  if (findField(row, RAW_INPUTS) !== undefined && findField(row, ["test"]) === undefined)
    return plusDraft(row, { id, prompt, entryPoint, program: `${prompt}${textField(row, ["canonical_solution"])}` });
  const test = textField(row, ["test"]);
  if (!/\bdef check\(/.test(test)) throw rowError(row, "test", "defines no check(candidate)");
  return codeDraft({
    identity: [id, prompt],
    prompt,
    metadata: { task_id: id },
    spec: () => ({ kind: "function", prompt, entryPoint, test }),
  });
}

/** What an EvalPlus row gives beside its inputs. */
interface PlusRow {
  readonly id: string;
  readonly prompt: string;
  readonly entryPoint: string;
  /** A whole program that defines the function. */
  readonly program: string;
  readonly shapes?: readonly PythonShape[];
  readonly oracle?: PlusOracle;
  /** What the reply continues; HumanEval's prompt unless given. */
  readonly continued?: string;
}

function plusDraft(row: TaskRow, { id, prompt, entryPoint, program, ...more }: PlusRow): QuestionDraft {
  const { shapes = ["keep"], oracle = humanEvalOracle(entryPoint), continued = prompt } = more;
  const texts = RAW_INPUTS.map((field) => ({ field, text: inputText(row, field) }));
  const inputs = (): string[] => texts.flatMap(({ field, text }) => argumentsOf(row, { field, text, shapes }));
  const count = inputs().length;
  if (count === 0) throw rowError(row, RAW_INPUTS.join(" and "), "no inputs at all");
  const atol = Number(findField(row, ["atol"])?.value ?? 0);
  if (!(atol >= 0 && atol < 1)) throw rowError(row, "atol", "expected a tolerance from 0 to 1");
  return codeDraft({
    identity: [id, prompt],
    prompt,
    metadata: { task_id: id, inputs: count },
    spec: () => ({
      kind: "plus",
      prompt: continued,
      entryPoint,
      canonicalSolution: program,
      inputs: inputs(),
      atol,
      oracle,
    }),
  });
}

/** The JSON text of a list of inputs; what a reader has parsed already has lost 3.0 and 10^30. */
function inputText(row: TaskRow, field: string): string {
  const value = findField(row, [field])?.value ?? "[]";
  if (typeof value === "string") return value === "" ? "[]" : value;
  throw rowError(row, field, "inputs are read from EvalPlus' own JSONL file only, where numbers keep their spelling");
}

function argumentsOf(
  row: TaskRow,
  { field, text, shapes }: { field: string; text: string; shapes: readonly PythonShape[] },
): readonly string[] {
  try {
    return jsonElements(text).map((input) => pythonArguments(input, shapes));
  } catch (error) {
    if (error instanceof LiteralError) throw rowError(row, field, `no list of argument lists: ${error.message}`);
    throw error;
  }
}

/** `601` of 601 or "Mbpp/601". */
function mbppNumber(row: TaskRow): number {
  const id = textField(row, ["task_id"]);
  const digits = /^(?:Mbpp\/)?([0-9]{1,6})$/.exec(id)?.[1];
  if (digits === undefined) throw rowError(row, "task_id", `"${id}" is no number of an MBPP task`);
  return Number(digits);
}

function readMbpp(row: TaskRow): QuestionDraft {
  const id = mbppNumber(row);
  const text = textField(row, ["text", "prompt"]).trim();
  if (findField(row, RAW_INPUTS) !== undefined) return mbppPlusInputs(row, { id, text });
  const setup = setupOf(row);
  const shown = textListField(row, ["test_list"]);
  if (shown.length === 0) throw rowError(row, "test_list", "no tests");
  const whole = optionalTextField(row, ["test"]);
  const asserts = whole === "" ? shown : [whole];
  return codeDraft({
    identity: [String(id), text, ...shown],
    prompt: `${text}\n\nYour code should pass these tests:\n\n${shown.join("\n")}`,
    metadata: { task_id: id, tests: shown.length },
    spec: () => ({ kind: "asserts", setup, asserts }),
  });
}

/** Code before the tests: `test_setup_code` of the full set, or the lines of `test_imports` of the sanitized one. */
function setupOf(row: TaskRow): string {
  const setup = optionalTextField(row, ["test_setup_code"]);
  const imports = findField(row, ["test_imports"]) === undefined ? [] : textListField(row, ["test_imports"]);
  return [...imports, setup].filter((part) => part !== "").join("\n");
}

/** EvalPlus' JSONL layout: the prompt is a docstring with one assert, the inputs lose their tuples in JSON. */
function mbppPlusInputs(row: TaskRow, { id, text }: { id: number; text: string }): QuestionDraft {
  const entryPoint = entryPointOf(row);
  return plusDraft(row, {
    id: `Mbpp/${id}`,
    prompt: text,
    entryPoint,
    program: textField(row, ["canonical_solution", "code"]),
    shapes: mbppShapes(id),
    oracle: mbppOracle(entryPoint),
    continued: "",
  });
}

/** HumanEval. */
export const humaneval: TaskDefinition = {
  ...CODE,
  name: "humaneval",
  aliases: ["human-eval", "openai_humaneval"],
  questions: 164,
  source: "github.com/openai/human-eval; openai/openai_humaneval on the hub",
  licence: "MIT",
  layouts: ["task_id, prompt, canonical_solution, test, entry_point"],
  read: readHumanEval,
};

/** HumanEval+: HumanEval with about 80 times its inputs. */
export const humanevalPlus: TaskDefinition = {
  ...CODE,
  name: "humaneval-plus",
  aliases: ["humaneval+", "humanevalplus", "human-eval-plus"],
  questions: 164,
  source: "github.com/evalplus/humanevalplus_release (HumanEvalPlus.jsonl); evalplus/humanevalplus on the hub",
  licence: "Apache-2.0",
  layouts: [
    "task_id, prompt, canonical_solution, entry_point, base_input, plus_input, atol",
    "task_id, prompt, canonical_solution, entry_point, test",
  ],
  rawFields: RAW_INPUTS,
  read: readHumanEval,
};

/** MBPP, full or sanitized. */
export const mbpp: TaskDefinition = {
  ...CODE,
  name: "mbpp",
  aliases: ["mbpp-full", "mbpp-sanitized"],
  questions: null,
  source: "github.com/google-research/google-research/tree/master/mbpp; google-research-datasets/mbpp on the hub",
  licence: "CC BY 4.0",
  layouts: [
    "text, code, task_id, test_setup_code, test_list, challenge_test_list",
    "prompt, code, task_id, source_file, test_imports, test_list",
  ],
  read: readMbpp,
};

/** MBPP+: 378 of MBPP's tasks with many more inputs. */
export const mbppPlus: TaskDefinition = {
  ...CODE,
  name: "mbpp-plus",
  aliases: ["mbpp+", "mbppplus"],
  questions: 378,
  source: "github.com/evalplus/mbppplus_release (MbppPlus.jsonl); evalplus/mbppplus on the hub",
  licence: "Apache-2.0",
  layouts: [
    "task_id, prompt, code, test_imports, test_list, test",
    "task_id, prompt, canonical_solution, entry_point, base_input, plus_input, atol",
  ],
  rawFields: RAW_INPUTS,
  read: readMbpp,
};

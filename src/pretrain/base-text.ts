/**
 * @file The base student's pre-training text: single steps in both styles, copying, listing, looking up, direct answers
 * and reading an answer off. Never a chain of reasoning, and questions of bucket `pretrain` only.
 */
import { type Prng, prng } from "../core/prng.ts";
import { bucketOf } from "../questions/bucket.ts";
import { families } from "../questions/families.ts";
import type { Family } from "../questions/family.ts";
import { passLines, type Problem, runningValues } from "../questions/steps.ts";
import { BASE_KIND_WEIGHTS, type BaseKind } from "./base-kinds.ts";
import { cutOff, type Pass } from "./cut-off.ts";
import { factLines, MAX_OPERAND, type SingleStep, type Style, unrelatedPass } from "./single-steps.ts";

/** Raised when a document of the same index and seed changes; a half-finished pre-training then starts afresh. */
export const TEXT_VERSION = 2;

/** One document of a conversation's form; the caller renders it in s1's chat format. */
export interface BaseDocument {
  readonly kind: BaseKind;
  readonly user: string;
  /** Lines joined by "\n", none at the end; null for a direct answer. */
  readonly thinking: string | null;
  /** Digits without any prefix; null where the document ends after its thinking. */
  readonly answer: string | null;
  /** The answer is to be prefixed `Final Answer: `, as after a cut, rather than `Answer: `. */
  readonly isFinal: boolean;
}

type Body = Omit<BaseDocument, "kind">;

/** A question of bucket `pretrain`. */
interface Context {
  readonly problem: Problem;
  readonly text: string;
  readonly answer: string;
}

/** Share of documents whose answer has the cut's prefix although nothing was cut. */
const FINAL_SHARE = 0.3;

/** Document `index` of the endless text of a seed: random access, no state. */
export function baseDocument(index: number, seed: number): BaseDocument {
  const random = prng(`${seed}/base-text/${index}`);
  let place = random.next();
  const found = BASE_KIND_WEIGHTS.find(([, weight]) => (place -= weight) < 0);
  const kind = found?.[0] ?? "direct";
  const family = random.pick(["arithmetic", "program"] as const);
  return { kind, ...body(random, kind, family) };
}

function body(random: Prng, kind: BaseKind, family: Family["name"]): Body {
  switch (kind) {
    case "facts-quick":
      return facts(random, family, "quick");
    case "facts-careful":
      return facts(random, family, "careful");
    case "unrelated-quick":
      return unrelated(random, family, "quick");
    case "unrelated-careful":
      return unrelated(random, family, "careful");
    case "unrelated-wait":
      return waited(random, drawContext(random, family, [2, family === "program" ? 4 : 5]));
    case "cut":
      return cut(random, drawContext(random, family, [2, 5]));
    case "copy":
      return copied(drawContext(random, family, [2, 8]));
    case "list":
    case "list-twice":
      return listed(drawContext(random, family, [3, kind === "list" ? 8 : 6]), kind === "list" ? 1 : 2);
    case "lookup":
      return lookedUp(random, drawContext(random, family, [3, 8]));
    case "direct": {
      const { text, answer } = drawContext(random, family, [2, 6]);
      return { user: text, thinking: null, answer, isFinal: random.next() < FINAL_SHARE };
    }
    default:
      return kind satisfies never;
  }
}

/**
 * A question of bucket `pretrain` whose every beginning that is itself a question text (arithmetic only: a program ends
 * with `puts`) is in that bucket too, so that no other bucket's question stands anywhere in base text.
 */
function drawContext(random: Prng, name: Family["name"], [low, high]: readonly [number, number]): Context {
  const family = families[name];
  const steps = random.int(low, high);
  const problem = family.draw(random, steps, (beginning) => {
    const isQuestion = name === "arithmetic" || beginning.steps.length === steps;
    const operand = beginning.steps.at(-1)?.operand ?? 0;
    return operand <= MAX_OPERAND && (!isQuestion || bucketOf(family.text(beginning)) === "pretrain");
  });
  return { problem, text: family.text(problem), answer: String(runningValues(problem)?.at(-1)) };
}

function written(lines: readonly SingleStep[]): string {
  return lines.map((step) => step.line).join("\n");
}

function writtenPass(problem: Problem, lines: readonly SingleStep[]): string {
  return passLines(
    problem,
    lines.map((step) => step.line),
  ).join("\n");
}

/** The result on the last line: what an uncut document answers. */
function lastResult(lines: readonly SingleStep[]): string {
  return String(lines.at(-1)?.result);
}

function facts(random: Prng, family: Family["name"], style: Style): Body {
  const lines = factLines(random, { family, style, maxBytes: random.int(180, 320) });
  const user = style === "quick" ? "quick" : "care";
  return { user, thinking: written(lines), answer: lastResult(lines), isFinal: random.next() < FINAL_SHARE };
}

function unrelated(random: Prng, family: Family["name"], style: Style): Body {
  const { problem, text } = drawContext(random, family, [2, style === "quick" ? 8 : 5]);
  const lines = unrelatedPass(random, problem, style);
  const user = style === "quick" ? text : `care ${text}`;
  return {
    user,
    thinking: writtenPass(problem, lines),
    answer: lastResult(lines),
    isFinal: random.next() < FINAL_SHARE,
  };
}

function bothPasses(random: Prng, problem: Problem): Pass[] {
  return [unrelatedPass(random, problem, "quick"), unrelatedPass(random, problem, "careful")];
}

function waited(random: Prng, { problem, text }: Context): Body {
  const [quick = [], careful = []] = bothPasses(random, problem);
  const thinking = `${writtenPass(problem, quick)}\nWait\n${writtenPass(problem, careful)}`;
  return { user: text, thinking, answer: lastResult(careful), isFinal: random.next() < FINAL_SHARE };
}

function cut(random: Prng, { problem, text, answer }: Context): Body {
  const { thinking, result } = cutOff(random, problem, bothPasses(random, problem));
  return { user: text, thinking, answer: result === null ? answer : String(result), isFinal: true };
}

function copied({ text }: Context): Body {
  return { user: `copy ${text}`, thinking: text, answer: null, isFinal: false };
}

function listed({ problem, text }: Context, times: 1 | 2): Body {
  const items = problem.steps.map((step) => step.item);
  const list = passLines(problem, items).join("\n");
  const thinking = times === 1 ? list : `${list}\nWait\n${list}`;
  return { user: `list ${text}`, thinking, answer: null, isFinal: false };
}

function lookedUp(random: Prng, { problem, text }: Context): Body {
  const wanted = Array.from({ length: random.int(3, 6) }, () => random.pick(problem.steps));
  const keys = wanted.map((step) => step.key).join("");
  return {
    user: `find ${keys} ${text}`,
    thinking: wanted.map((step) => step.item).join("\n"),
    answer: null,
    isFinal: false,
  };
}

/**
 * @file The base student's pre-training text: single steps in both styles, copying, listing, looking up, direct answers
 * and reading an answer off. Never a chain of reasoning, and questions of bucket `pretrain` only.
 */
import { type Prng, prng } from "../core/prng.ts";
import { bucketOf } from "../questions/bucket.ts";
import { chainFamilies } from "../questions/chain-families.ts";
import type { ChainFamily } from "../questions/chain-family.ts";
import { type Problem, runningValues } from "../questions/steps.ts";
import { type BaseKind, kindWeights, type Lesson, type Reach } from "./base-kinds.ts";
import { cutOff, type Pass } from "./cut-off.ts";
import { factLines, MAX_OPERAND, type SingleStep, type Style, unrelatedPass } from "./single-steps.ts";

/** Raised when a document of the same index and seed changes; a half-finished pre-training then starts afresh. */
export const TEXT_VERSION = 4;

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
  /** Lines before a pass's own. */
  readonly opening: readonly string[];
  readonly text: string;
  readonly answer: string;
}

/** Share of documents whose answer has the cut's prefix although nothing was cut. */
const FINAL_SHARE = 0.3;

/** Document `index` of a lesson's endless text for a seed: random access, no state. */
export function baseDocument(lesson: Lesson, index: number, seed: number): BaseDocument {
  const random = prng(`${seed}/base-text/${index}`);
  let place = random.next();
  const found = kindWeights(lesson).find(([, weight]) => (place -= weight) < 0);
  const kind = found?.[0] ?? "direct";
  const family = random.pick(["arithmetic", "program"] as const);
  const draw: Draw = (steps) => drawContext(random, family, { steps, lesson });
  return { kind, ...body(random, kind, { family, draw, reach: lesson.reach }) };
}

/** Draws a question with a number of steps in a range. */
type Draw = (steps: readonly [number, number]) => Context;

function body(
  random: Prng,
  kind: BaseKind,
  { family, draw, reach }: { family: ChainFamily["name"]; draw: Draw; reach: Reach },
): Body {
  switch (kind) {
    case "facts-quick":
      return facts(random, { family, style: "quick", reach });
    case "facts-careful":
      return facts(random, { family, style: "careful", reach });
    case "unrelated-quick":
      return unrelated(random, draw([2, 8]), "quick");
    case "unrelated-careful":
      return unrelated(random, draw([2, 5]), "careful");
    case "unrelated-wait":
      return waited(random, draw([2, family === "program" ? 4 : 5]), reach);
    case "cut":
      return cut(random, draw([2, 5]), reach);
    case "copy":
      return copied(draw([2, 8]));
    case "list":
    case "list-twice":
      return listed(draw([3, kind === "list" ? 8 : 6]), kind === "list" ? 1 : 2);
    case "lookup":
      return lookedUp(random, draw([3, 8]));
    case "direct": {
      const { text, answer } = draw([2, 6]);
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
function drawContext(
  random: Prng,
  name: ChainFamily["name"],
  { steps: [low, high], lesson }: { steps: readonly [number, number]; lesson: Lesson },
): Context {
  const family = chainFamilies[name];
  const steps = random.int(low, high);
  const problem = family.draw(random, steps, (beginning) => {
    const isQuestion = name === "arithmetic" || beginning.steps.length === steps;
    const operand = beginning.steps.at(-1)?.operand ?? 0;
    return operand <= MAX_OPERAND && (!isQuestion || bucketOf(family.text(beginning)) === "pretrain");
  });
  const opening = lesson.opensWithStart ? [String(problem.start)] : [];
  return { problem, opening, text: family.text(problem), answer: String(runningValues(problem)?.at(-1)) };
}

function written(lines: readonly SingleStep[]): string {
  return lines.map((step) => step.line).join("\n");
}

function writtenPass({ opening }: Context, lines: readonly SingleStep[]): string {
  return [...opening, ...lines.map((step) => step.line)].join("\n");
}

/** The result on the last line: what an uncut document answers. */
function lastResult(lines: readonly SingleStep[]): string {
  return String(lines.at(-1)?.result);
}

function facts(
  random: Prng,
  { family, style, reach }: { family: ChainFamily["name"]; style: Style; reach: Reach },
): Body {
  const lines = factLines(random, { family, style, maxBytes: random.int(...reach.factBytes) });
  const user = style === "quick" ? "quick" : "care";
  return { user, thinking: written(lines), answer: lastResult(lines), isFinal: random.next() < FINAL_SHARE };
}

function unrelated(random: Prng, context: Context, style: Style): Body {
  const lines = unrelatedPass(random, context.problem, style);
  const user = style === "quick" ? context.text : `care ${context.text}`;
  const thinking = writtenPass(context, lines);
  return { user, thinking, answer: lastResult(lines), isFinal: random.next() < FINAL_SHARE };
}

/** A quick pass and its checks. */
function checkedPasses(random: Prng, problem: Problem, { checks }: Reach): Pass[] {
  const quick = unrelatedPass(random, problem, "quick");
  return [quick, ...Array.from({ length: random.int(...checks) }, () => unrelatedPass(random, problem, "careful"))];
}

function waited(random: Prng, context: Context, reach: Reach): Body {
  const passes = checkedPasses(random, context.problem, reach);
  const thinking = passes.map((pass) => writtenPass(context, pass)).join("\nWait\n");
  const answer = lastResult(passes.at(-1) ?? []);
  return { user: context.text, thinking, answer, isFinal: random.next() < FINAL_SHARE };
}

function cut(random: Prng, { problem, opening, text, answer }: Context, reach: Reach): Body {
  const passes = checkedPasses(random, problem, reach);
  const { thinking, result } = cutOff(random, { opening, passes, maxBytes: reach.cutBytes });
  return { user: text, thinking, answer: result === null ? answer : String(result), isFinal: true };
}

function copied({ text }: Context): Body {
  return { user: `copy ${text}`, thinking: text, answer: null, isFinal: false };
}

function listed({ problem, opening, text }: Context, times: 1 | 2): Body {
  const list = [...opening, ...problem.steps.map((step) => step.item)].join("\n");
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

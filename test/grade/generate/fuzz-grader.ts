/** @file The fuzzer of the maths grader: nothing may throw, take long, be told differently twice, or differ from itself. */
import { type Prng, prng } from "../../../src/core/prng.ts";
import type { GradeProfile, GoldReading } from "../../../src/grade/grade-answer.ts";
import type { Verdict } from "../../../src/schema/evaluation.ts";
import { GradeOutcome } from "../../../src/schema/records.ts";
import { HOSTILE } from "./hostile.ts";
import { grammarText, mutatedText, rawText } from "./mutate.ts";
import { generatePairs, type LabelledPair } from "./pairs.ts";

/** The grader under test, and a clock. */
export interface FuzzedGrader {
  readonly compileGold: (text: string, profile: GradeProfile) => GoldReading;
  readonly gradeAnswer: (gold: Extract<GoldReading, { status: "ok" }>["gold"], reply: string) => Verdict;
  readonly answerClass: (answer: string, profile: GradeProfile) => string | null;
  /** Milliseconds, better of processor time. */
  readonly now: () => number;
}

/** What a run of the fuzzer covers. */
export interface FuzzPlan {
  readonly seed: number;
  readonly inputs: number;
  /** One call may take no longer than this; it is measured again twice before it counts: code may just have been loaded or memory tidied. */
  readonly limitMs: number;
}

/** An input that broke a law, as small as simple shrinking makes it. */
export interface FuzzFailure {
  readonly input: number;
  readonly profile: GradeProfile;
  readonly gold: string;
  readonly pred: string;
  readonly problem: string;
}

/** What a run found. */
export interface FuzzReport {
  readonly inputs: number;
  readonly failures: readonly FuzzFailure[];
  readonly slowestMs: number;
  readonly outcomes: Readonly<Record<string, number>>;
}

interface Case {
  readonly profile: GradeProfile;
  readonly gold: string;
  readonly pred: string;
}

const MAX_FAILURES = 10;
/** Every fourth input is graded twice: all would double the time. */
const REPEATED = 4;
const OUTCOMES: ReadonlySet<string> = new Set(GradeOutcome.options);

/** Runs the fuzzer; stops after ten different failures. */
export function fuzzGrader(grader: FuzzedGrader, { seed, inputs, limitMs }: FuzzPlan): FuzzReport {
  const pairs = generatePairs(seed, 3000);
  const failures: FuzzFailure[] = [];
  const outcomes: Record<string, number> = {};
  let slowestMs = 0;
  let input = 0;
  for (; input < inputs && failures.length < MAX_FAILURES; input++) {
    const one = makeCase(prng(`fuzz-grade/${seed}/${input}`), pairs);
    const result = examine(grader, one, { limitMs, isRepeated: input % REPEATED === 0 });
    slowestMs = Math.max(slowestMs, result.slowestMs);
    outcomes[result.outcome] = (outcomes[result.outcome] ?? 0) + 1;
    if (result.problem === null) continue;
    const failure = { input, ...shrink(grader, one, limitMs, result.problem) };
    if (!failures.some(({ gold, pred }) => gold === failure.gold && pred === failure.pred)) failures.push(failure);
  }
  return { inputs: input, failures, slowestMs, outcomes };
}

const PROFILES: readonly GradeProfile[] = ["math", "math", "math", "math", "math", "aime", "gsm8k", "mcq", "exact"];

function makeCase(random: Prng, pairs: readonly LabelledPair[]): Case {
  const { gold, pred } = random.pick(pairs);
  const make = (good: string): string => {
    const draw = random.next();
    if (draw < 0.4) return mutatedText(random, good);
    if (draw < 0.7) return `$${grammarText(random, random.int(1, 5))}$`;
    if (draw < 0.8) return mutatedText(random, `$${grammarText(random, 3)}$`);
    if (draw < 0.9) return rawText(random);
    if (draw < 0.91) return mutatedText(random, random.pick(Object.values(HOSTILE)).slice(0, random.int(1, 2000)));
    return good;
  };
  return { profile: random.pick(PROFILES), gold: make(gold), pred: make(pred) };
}

interface Scrutiny {
  readonly limitMs: number;
  readonly isRepeated: boolean;
}

interface Examination {
  readonly problem: string | null;
  readonly slowestMs: number;
  readonly outcome: string;
}

/** @param isRepeated whether to grade twice, and compare; what is slow is measured again in any case */
function examine(grader: FuzzedGrader, one: Case, { limitMs, isRepeated }: Scrutiny): Examination {
  const first = gradeOnce(grader, one);
  if (first.problem !== null || (!isRepeated && first.slowestMs <= limitMs)) return first;
  const second = gradeOnce(grader, one);
  const slowest = Math.min(first.slowestMs, second.slowestMs);
  const slowestMs = slowest <= limitMs ? slowest : Math.min(slowest, gradeOnce(grader, one).slowestMs);
  const isSteady = first.trace === second.trace;
  const problem = isSteady
    ? slowestMs > limitMs
      ? `one call takes more than ${limitMs} ms`
      : null
    : `two verdicts: ${first.trace} and ${second.trace}`;
  return { problem, slowestMs, outcome: first.outcome };
}

interface Graded extends Examination {
  /** Everything that was said, to compare two gradings. */
  readonly trace: string;
}

/** Reads the gold, grades it against itself and the reply, and asks for the reply's class. */
function gradeOnce(
  { compileGold, gradeAnswer, answerClass, now }: FuzzedGrader,
  { profile, gold, pred }: Case,
): Graded {
  let slowestMs = 0;
  const timed = <T>(work: () => T): T => {
    const start = now();
    const value = work();
    slowestMs = Math.max(slowestMs, now() - start);
    return value;
  };
  const done = (outcome: string, problem: string | null, trace: unknown): Graded => ({
    outcome,
    problem,
    slowestMs,
    trace: JSON.stringify(trace),
  });
  try {
    const reading = timed(() => compileGold(gold, profile));
    const ownClass = timed(() => answerClass(pred, profile));
    if (reading.status === "error") return done("gold_error", null, [reading, ownClass]);
    const itself = timed(() => gradeAnswer(reading.gold, gold));
    const verdict = timed(() => gradeAnswer(reading.gold, pred));
    const strange = [itself, verdict].find(({ outcome }) => !OUTCOMES.has(outcome));
    const problem = strange
      ? `an outcome that is none: ${strange.outcome}`
      : itself.outcome === "correct"
        ? null
        : `a gold that compiles is ${itself.outcome} against itself (${itself.rule})`;
    return done(verdict.outcome, problem, [reading.gold.canonical, ownClass, itself, verdict]);
  } catch (error) {
    return done(
      "thrown",
      `throws ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`.slice(0, 600),
      null,
    );
  }
}

/** Removes pieces of gold and reply for as long as the same kind of problem stays; bounded. */
function shrink(grader: FuzzedGrader, one: Case, limitMs: number, problem: string): Omit<FuzzFailure, "input"> {
  const kind = problem.slice(0, 12);
  const fails = (candidate: Case): string | null => {
    const found = examine(grader, candidate, { limitMs, isRepeated: true }).problem;
    return found?.startsWith(kind) === true ? found : null;
  };
  let smallest = { ...one, problem };
  for (const field of ["pred", "gold"] as const) {
    for (let size = smallest[field].length; size >= 1; size = Math.floor(size / 2)) {
      for (let start = 0; start < smallest[field].length; ) {
        const text = smallest[field];
        const candidate = { ...smallest, [field]: text.slice(0, start) + text.slice(start + size) };
        const found = fails(candidate);
        if (found === null) start += size;
        else smallest = { ...candidate, problem: found };
      }
    }
  }
  return smallest;
}

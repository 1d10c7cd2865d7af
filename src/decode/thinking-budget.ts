/**
 * @file Budget forcing as a pure state machine: a hard cap on thinking with a forced answer, "Wait", a minimum, and an
 * answer stage with a reserve of its own. It never samples and never sees text: a driver asks the model for a token that
 * {@link forbidden} allows, gives it to {@link step}, and appends what `step` emits. States are plain data, never changed.
 *
 * @source s1.md 5.8, which reconciles the two implementations of s1; a cut's newline belongs to the delimiter, and a
 * minimum uses up no waits (settled in docs/decisions).
 */
import { AppError } from "../core/errors.ts";
import type { ThinkingSetting } from "../schema/records.ts";
import type { ThinkingDelimiters } from "../tokenize/thinking-delimiters.ts";
import type { TokenScore } from "./token-score.ts";

/** How one row thinks: the record's setting and a floor that only callers of the decoder use. */
export interface BudgetSetting extends ThinkingSetting {
  /** Ends of thinking before this many thinking tokens are replaced by the wait text, waits or no waits; 0 if absent. */
  readonly minThinkingTokens?: number;
  /** Reaching the cap ends the row there, without an answer: what was thought is to be thrown away. Absent: it is cut. */
  readonly stopsAtCap?: true;
}

/** Everything the machine needs to know beforehand. */
export interface ThinkingPlan {
  readonly delimiters: ThinkingDelimiters;
  readonly setting: BudgetSetting;
  /** Most tokens the model may write in the answer stage, at least 1; tokens injected by a cut are not among them. */
  readonly answerTokens: number;
}

/** Where a row stands. `keptTokens` counts the ids between the delimiters, injected text included, each once. */
export interface ThinkingState {
  readonly plan: ThinkingPlan;
  readonly stage: "thinking" | "answer" | "done";
  readonly keptTokens: number;
  readonly lastKept: number | null;
  readonly waitsLeft: number;
  /** False directly after injected wait text, when the model must think at least one more token. */
  readonly mayEnd: boolean;
  readonly answerTokens: number;
  /** How thinking ended; null while it goes on. */
  readonly end: "natural" | "cut" | "direct" | null;
  /** How the answer ended; null until the row is done. */
  readonly answerFinish: "stop" | "length" | null;
}

/** One id to append to the row's sequence. */
export interface EmittedToken {
  readonly token: number;
  /** True exactly when the machine wrote it, false when the model did. */
  readonly forced: boolean;
  /** `delimiter` counts as neither thinking nor answer: the headings, a cut's text, and the end of the answer. */
  readonly part: "delimiter" | "thinking" | "answer";
  /** How likely it was; where the driver asked, for what the model chose as its answer. */
  readonly score?: TokenScore;
}

/** What follows from one event. When `done`, the row needs no further token. */
export interface ThinkingStep {
  readonly state: ThinkingState;
  readonly emit: readonly EmittedToken[];
  readonly done: boolean;
}

/**
 * Opens a row after the assistant's header: writes the thinking heading (then cuts at once if the budget is 0), or the
 * answer heading in direct mode.
 * @throws {AppError} usage: a count is negative or no whole number, or there is no room for an answer
 */
export function startThinking(plan: ThinkingPlan): ThinkingStep {
  checkPlan(plan);
  const { delimiters, setting } = plan;
  const state: ThinkingState = {
    plan,
    stage: "thinking",
    keptTokens: 0,
    lastKept: null,
    waitsLeft: setting.waits,
    mayEnd: true,
    answerTokens: 0,
    end: null,
    answerFinish: null,
  };
  if (setting.mode === "direct") return toAnswer(state, "direct", [], delimiters.directStart);
  const heading = delimiters.thinkStart.map((token) => forcedToken(token, "delimiter"));
  return setting.budgetTokens === 0 ? cut(state, heading) : { state, emit: heading, done: false };
}

/**
 * The row after the model chose `token`. The sampled end of thinking is swallowed: what is emitted in its place is
 * forced. Total: a stop id where it was forbidden ends the stage instead of failing, so that a server which cannot
 * forbid ids still ends.
 */
export function step(state: ThinkingState, token: number): ThinkingStep {
  switch (state.stage) {
    case "thinking":
      return isStop(state.plan, token) ? endOrContinue(state) : think(state, token);
    case "answer":
      return answer(state, token);
    case "done":
      return { state, emit: [], done: true };
  }
}

const NOTHING: readonly number[] = [];

/**
 * The ids that the model must not choose at the next position: no heading in an answer, no end directly after "Wait". Where
 * the setting is silent the word itself is forbidden with the end: a student that learned it would write it unasked.
 */
export function forbidden(state: ThinkingState): readonly number[] {
  const { delimiters, setting } = state.plan;
  const { thinkingEnd, imEnd, endOfText } = delimiters.stopIds;
  if (state.stage === "answer") return [thinkingEnd];
  if (state.stage !== "thinking" || state.mayEnd) return NOTHING;
  return [thinkingEnd, imEnd, endOfText, ...(setting.silent ? delimiters.wait.slice(0, 1) : [])];
}

/**
 * Most ids that a row appends to its prompt beside thinking, for any model: headings, a cut's text, the answer and its
 * end. The context must hold the prompt, these, and the budget.
 */
export function overheadTokens({ delimiters, answerTokens }: Omit<ThinkingPlan, "setting">): number {
  const { thinkStart, answerStart, directStart, newline, cutAnswer } = delimiters;
  const thought = thinkStart.length + Math.max(answerStart.length, newline.length + cutAnswer.length);
  return Math.max(thought, directStart.length) + answerTokens + 1;
}

function think(state: ThinkingState, token: number): ThinkingStep {
  const emit: EmittedToken[] = [{ token, forced: false, part: "thinking" }];
  const keptTokens = state.keptTokens + 1;
  const next = oneMore(state, { keptTokens, lastKept: token, answerTokens: state.answerTokens });
  return next.keptTokens >= state.plan.setting.budgetTokens ? cut(next, emit) : { state: next, emit, done: false };
}

/** The state after a token of the model's, field by field: a copy by spreading takes longer than all else that is done for a token. */
function oneMore(
  { plan, stage, waitsLeft, end, answerFinish }: ThinkingState,
  counts: Pick<ThinkingState, "keptTokens" | "lastKept" | "answerTokens">,
): ThinkingState {
  const { keptTokens, lastKept, answerTokens } = counts;
  return { plan, stage, keptTokens, lastKept, waitsLeft, mayEnd: true, answerTokens, end, answerFinish };
}

/** Thinking ended by itself: swallow that once more (with nothing in its place where the setting is silent), or let it end. */
function endOrContinue(state: ThinkingState): ThinkingStep {
  const { delimiters, setting } = state.plan;
  const isBelowMinimum = state.keptTokens < (setting.minThinkingTokens ?? 0);
  const wait = setting.silent ? [] : delimiters.wait;
  // The wait text fits only if a thought fits after it: a cut right behind "Wait" would be the worst of both.
  const doesWaitFit = setting.budgetTokens - state.keptTokens > wait.length;
  if (!state.mayEnd || !doesWaitFit || (!isBelowMinimum && state.waitsLeft === 0)) {
    return toAnswer(state, "natural", [], delimiters.answerStart);
  }
  const next: ThinkingState = {
    ...state,
    keptTokens: state.keptTokens + wait.length,
    lastKept: wait.at(-1) ?? state.lastKept,
    waitsLeft: isBelowMinimum ? state.waitsLeft : state.waitsLeft - 1,
    mayEnd: false,
  };
  return { state: next, emit: wait.map((token) => forcedToken(token, "thinking")), done: false };
}

function cut(state: ThinkingState, emit: readonly EmittedToken[]): ThinkingStep {
  if (state.plan.setting.stopsAtCap) {
    return { state: { ...state, stage: "done", end: "cut", answerFinish: "length" }, emit, done: true };
  }
  const { newline, newlineEndings, cutAnswer } = state.plan.delimiters;
  const isOnNewLine = state.lastKept !== null && newlineEndings.includes(state.lastKept);
  return toAnswer(state, "cut", emit, isOnNewLine ? cutAnswer : [...newline, ...cutAnswer]);
}

function toAnswer(
  state: ThinkingState,
  end: "natural" | "cut" | "direct",
  emit: readonly EmittedToken[],
  heading: readonly number[],
): ThinkingStep {
  const delimiter = heading.map((token) => forcedToken(token, "delimiter"));
  return { state: { ...state, stage: "answer", mayEnd: true, end }, emit: [...emit, ...delimiter], done: false };
}

function answer(state: ThinkingState, token: number): ThinkingStep {
  if (isStop(state.plan, token)) {
    const emit: EmittedToken[] = [{ token, forced: false, part: "delimiter" }];
    return { state: { ...state, stage: "done", answerFinish: "stop" }, emit, done: true };
  }
  const emit: EmittedToken[] = [{ token, forced: false, part: "answer" }];
  const { keptTokens, lastKept } = state;
  const next = oneMore(state, { keptTokens, lastKept, answerTokens: state.answerTokens + 1 });
  if (next.answerTokens < state.plan.answerTokens) return { state: next, emit, done: false };
  return { state: { ...next, stage: "done", answerFinish: "length" }, emit, done: true };
}

function isStop({ delimiters: { stopIds } }: ThinkingPlan, token: number): boolean {
  return token === stopIds.thinkingEnd || token === stopIds.imEnd || token === stopIds.endOfText;
}

function forcedToken(token: number, part: "delimiter" | "thinking"): EmittedToken {
  return { token, forced: true, part };
}

function checkPlan({ setting, answerTokens }: ThinkingPlan): void {
  const counts = {
    budgetTokens: setting.budgetTokens,
    waits: setting.waits,
    minThinkingTokens: setting.minThinkingTokens ?? 0,
    answerTokens,
  };
  for (const [name, value] of Object.entries(counts)) {
    const least = name === "answerTokens" ? 1 : 0;
    if (Number.isSafeInteger(value) && value >= least) continue;
    throw new AppError("usage", `${name} is ${value}; it must be a whole number, ${least} or more`, { data: counts });
  }
}

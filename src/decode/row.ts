/**
 * @file One prompt in one slot, decoded under one setting after another. Each setting runs the thinking-budget machine
 * from the start; what an earlier setting already asked of the model in the same place is recalled instead of asked
 * again, and the slot is taken back to the longest prefix that the two share. So many settings of one prompt cost about
 * as much as the longest of them, with the same results as each alone.
 */
import { AppError } from "../core/errors.ts";
import { mean } from "../core/statistics/intervals.ts";
import type { ThinkingDelimiters } from "../tokenize/thinking-delimiters.ts";
import { commonLength } from "./common-length.ts";
import { type SlotContent, unknownContent } from "./held-prefixes.ts";
import { follow, knownChoices, recall, remember, type KnownChoices } from "./known-choices.ts";
import {
  forbidden,
  overheadTokens,
  startThinking,
  step,
  type BudgetSetting,
  type EmittedToken,
  type ThinkingPlan,
  type ThinkingState,
  type ThinkingStep,
} from "./thinking-budget.ts";
import type { TokenScore } from "./token-score.ts";
import type { ExtendRow, Sampling } from "./token-source.ts";

/** What is asked about one prompt. */
export interface RowRequest {
  /** Ids up to and including the assistant's header, at least one. */
  readonly promptIds: readonly number[];
  readonly settings: readonly BudgetSetting[];
  /** Most tokens the model may write as its answer, at least 1. */
  readonly answerTokens: number;
  readonly sampling: Sampling;
  /** Where given, ids of the answer are emitted with their score and so many likeliest ids, recalled ones too. */
  readonly scoreTop?: number | undefined;
  /** Called as ids are appended, in order, recalled ones too; `index` is the place of their setting in `settings`. */
  readonly onEmit?: (items: readonly EmittedToken[], index: number) => void;
  /** Called once, when every setting is done, with one generation a setting. */
  readonly onEnd?: (generations: readonly Generation[]) => void;
}

/** What the model made of a prompt under one setting. */
export interface Generation {
  /** Everything after the prompt: headings, thinking, answer, and the answer's end if the model wrote one. */
  readonly ids: readonly number[];
  /** For each of `ids`, whether the machine wrote it. */
  readonly forcedMask: readonly boolean[];
  /** Ids between the delimiters, injected text included. */
  readonly thinkingIds: readonly number[];
  /** Ids that the model wrote as its answer, without its end and without the text of a cut. */
  readonly answerIds: readonly number[];
  readonly end: "natural" | "cut" | "direct";
  readonly answerFinish: "stop" | "length";
  /** Mean log-probability of `answerIds`, natural; absent where no scores were asked for or told, or there is no answer. */
  readonly answerLogprob?: number;
}

/** What a row needs to know of its surroundings. */
export interface RowPlace {
  readonly delimiters: ThinkingDelimiters;
  readonly contextTokens: number;
  readonly slot: number;
  /** What the slot holds, kept true as the row goes on; nothing is known unless given. */
  readonly content?: SlotContent;
  /** Where generations are put as they end; an array of the row's own unless given. */
  readonly generations?: Generation[];
}

/** A model call of one row. */
export interface RowCall {
  /** How many ids the slot is to keep before the call; undefined when it is to keep all. */
  readonly truncateTo: number | undefined;
  readonly call: ExtendRow;
  /** The machine's state that wants the token, for drivers that ask for many tokens at once. */
  readonly state: ThinkingState;
  /** Prompt and all that was appended under this setting; grows as the row does, one array a setting. */
  readonly sequence: readonly number[];
  /** Tokens that the model has chosen under this setting so far. */
  readonly chosen: number;
}

/** A prompt being decoded: ask `next` for a call until it gives none, answering each with `accept`. */
export interface Row {
  /** What the row needs of the model now; undefined when every setting is done. */
  next(): RowCall | undefined;
  /** Takes the token that the model chose in the last call. */
  accept(token: number, score?: TokenScore): void;
  /** One generation a setting, in order, as far as the row has come. */
  readonly generations: readonly Generation[];
  /** For each of these, every token that the model chose: swallowed ends too. Given to the machine again, they give it again. */
  readonly choices: readonly (readonly number[])[];
}

/**
 * Puts a prompt into a slot; what the slot is known to hold of it is not computed again.
 * @throws {AppError} limit-exceeded: the context cannot hold the prompt and an answer
 */
export function openRow(request: RowRequest, place: RowPlace): Row {
  const plans = request.settings.map((setting) => planWithin(request, setting, place));
  const generations = place.generations ?? [];
  const choices: number[][] = [];
  // One setting meets nothing twice, and remembers nothing.
  const root = plans.length > 1 ? knownChoices() : undefined;
  const slot = place.content ?? unknownContent();
  /** Of the answers' ids, by where they were chosen: an answer's position is never one of thinking. */
  const scores = new Map<KnownChoices, TokenScore>();
  let pass: Pass | undefined;
  const tell = (items: readonly EmittedToken[]): void => request.onEmit?.(items, generations.length);
  const start = (plan: ThinkingPlan): Pass => {
    const { pass: started, emit } = startPass({ promptIds: request.promptIds, plan, root, slot });
    tell(emit);
    return started;
  };
  const move = (moved: Pass, token: number, score?: TokenScore): void => {
    const made = step(moved.state, token);
    moved.chosen.push(token);
    if (score !== undefined && made.emit[0]?.part === "answer") moved.answerLogprobs.push(score.logprob);
    advance(moved, made, slot);
    tell(score === undefined ? made.emit : withScore(made.emit, score));
  };

  const next: Row["next"] = () => {
    for (;;) {
      const plan = plans[generations.length];
      if (plan === undefined) return undefined;
      pass ??= start(plan);
      const known = pass.node && pass.state.stage !== "done" ? recall(pass.node, forbidden(pass.state)) : undefined;
      if (pass.state.stage === "done") {
        generations.push(toGeneration(pass));
        choices.push(pass.chosen);
        pass = undefined;
        if (generations.length === plans.length) request.onEnd?.(generations);
      } else if (known !== undefined) {
        move(pass, known, pass.node && scores.get(pass.node));
      } else {
        const scoreTop = pass.state.stage === "answer" ? request.scoreTop : undefined;
        return toCall(pass, slot, { slot: place.slot, sampling: request.sampling, scoreTop });
      }
    }
  };
  const accept: Row["accept"] = (token, score) => {
    if (pass === undefined) throw new Error("bug in grappa: a row was given a token that it had not asked for");
    if (pass.node !== undefined) {
      remember(pass.node, forbidden(pass.state), token);
      if (score !== undefined) scores.set(pass.node, score);
    }
    move(pass, token, score);
  };
  return { next, accept, generations, choices };
}

/** The model's own id with its score. */
function withScore(emit: readonly EmittedToken[], score: TokenScore): EmittedToken[] {
  return emit.map((item) => (item.forced ? item : { ...item, score }));
}

/** One setting on its way: the machine's state, the sequence so far, and how much of it the slot holds. */
interface Pass {
  state: ThinkingState;
  /** Undefined where there is nothing to recall. */
  node: KnownChoices | undefined;
  readonly sequence: number[];
  readonly promptTokens: number;
  /** Of what follows the prompt, part and author of each id ({@link markOf}): objects that live as long as a row cost more than all else. */
  readonly marks: number[];
  readonly chosen: number[];
  /** Of the answer's ids, as far as they were scored. */
  readonly answerLogprobs: number[];
  /** Leading ids that `sequence` and the slot have in common. */
  shared: number;
}

function startPass(start: {
  promptIds: readonly number[];
  plan: ThinkingPlan;
  root: KnownChoices | undefined;
  slot: SlotContent;
}): { readonly pass: Pass; readonly emit: readonly EmittedToken[] } {
  const { promptIds, plan, root, slot } = start;
  const first = startThinking(plan);
  const shared = commonLength(promptIds, slot.ids);
  const own = { sequence: [...promptIds], promptTokens: promptIds.length, marks: [], chosen: [], answerLogprobs: [] };
  const pass: Pass = { state: first.state, node: root, shared, ...own };
  advance(pass, first, slot);
  return { pass, emit: first.emit };
}

function advance(pass: Pass, { state, emit }: ThinkingStep, slot: SlotContent): void {
  pass.state = state;
  for (const item of emit) {
    const { shared, sequence } = pass;
    if (shared < slot.ids.length && shared === sequence.length && slot.ids[shared] === item.token) pass.shared++;
    sequence.push(item.token);
    pass.marks.push(markOf(item));
    if (pass.node !== undefined) pass.node = follow(pass.node, item.token);
  }
}

/** Brings the slot to the pass's sequence; the last id is always sent, since a choice comes only with ids. */
function toCall(
  pass: Pass,
  slot: SlotContent,
  row: { slot: number; sampling: Sampling; scoreTop: number | undefined },
): RowCall {
  const keep = Math.min(pass.shared, pass.sequence.length - 1);
  const truncateTo = slot.isKnown && slot.ids.length === keep ? undefined : keep;
  const ids = pass.sequence.slice(keep);
  slot.isKnown = true;
  if (slot.ids.length > keep) slot.ids.length = keep;
  slot.computed = Math.min(slot.computed, keep);
  for (const id of ids) slot.ids.push(id);
  pass.shared = pass.sequence.length;
  const { state, sequence, chosen } = pass;
  // Field by field: a copy by spreading costs more than the rest of the driver. Every field must be named.
  const call: { readonly [Field in keyof Required<ExtendRow>]: ExtendRow[Field] } = {
    slot: row.slot,
    ids,
    forbidden: forbidden(state),
    sampling: row.sampling,
    scoreTop: row.scoreTop,
  };
  return { truncateTo, call, state, sequence, chosen: chosen.length };
}

const PARTS: readonly EmittedToken["part"][] = ["delimiter", "thinking", "answer"];
const FORCED = PARTS.length;

/** A small number for the part of an emitted id, larger by `FORCED` where the machine wrote it. */
const markOf = ({ part, forced }: EmittedToken): number => PARTS.indexOf(part) + (forced ? FORCED : 0);

function toGeneration({ sequence, promptTokens, marks, state, answerLogprobs }: Pass): Generation {
  if (state.end === null || state.answerFinish === null) throw new Error("bug in grappa: a row ended half-way");
  const ids = sequence.slice(promptTokens);
  const idsOf = (part: EmittedToken["part"]) => ids.filter((_, at) => PARTS[(marks[at] as number) % FORCED] === part);
  const answerIds = idsOf("answer");
  const isScored = answerIds.length > 0 && answerLogprobs.length === answerIds.length;
  return {
    ids,
    forcedMask: marks.map((mark) => mark >= FORCED),
    thinkingIds: idsOf("thinking"),
    answerIds,
    end: state.end,
    answerFinish: state.answerFinish,
    ...(isScored ? { answerLogprob: mean(answerLogprobs) } : {}),
  };
}

/** The setting with its cap lowered to what the context leaves beside this prompt; batch-mates have no say in it. */
function planWithin(request: RowRequest, setting: BudgetSetting, place: RowPlace): ThinkingPlan {
  const { answerTokens, promptIds } = request;
  const { delimiters, contextTokens } = place;
  const room = contextTokens - promptIds.length - overheadTokens({ delimiters, answerTokens });
  if (room < 0 || promptIds.length === 0) {
    const message = `a prompt of ${promptIds.length} tokens with ${answerTokens} for its answer does not fit a context of ${contextTokens}`;
    throw new AppError("limit-exceeded", message, {
      hint: "shorten the prompt or lower answerTokens",
      data: { promptTokens: promptIds.length, answerTokens, contextTokens },
    });
  }
  return { delimiters, answerTokens, setting: { ...setting, budgetTokens: Math.min(setting.budgetTokens, room) } };
}

/** @file What a request says about thinking: its own controls, `reasoning_effort`, and how `max_tokens` bounds both. Pure. */
import { z } from "zod";
import type { RejectionLimit } from "../../decode/rejection-sampling.ts";
import type { BudgetSetting } from "../../decode/thinking-budget.ts";
import { ApiError } from "./api-error.ts";

const tokens = z
  .int()
  .min(0)
  .max(1 << 24);

/** Samples that one choice may take; what is thrown away costs as much as what is kept. */
const MOST_TRIES = 64;
const DEFAULT_TRIES = 8;

/** The field `thinking` of a request; names with capitals or with underscores. */
export const ThinkingControls = z
  .strictObject({
    budgetTokens: tokens.optional(),
    budget_tokens: tokens.optional(),
    minTokens: tokens.optional(),
    min_tokens: tokens.optional(),
    waits: z.int().min(0).max(64).optional(),
    waitText: z.string().max(1000).optional(),
    wait_text: z.string().max(1000).optional(),
    answerReserve: z
      .int()
      .min(1)
      .max(1 << 24)
      .optional(),
    answer_reserve: z
      .int()
      .min(1)
      .max(1 << 24)
      .optional(),
    /** Rejection sampling: tried anew until thinking ends by itself within so many tokens. */
    rejectAbove: z
      .int()
      .min(1)
      .max(1 << 24)
      .optional(),
    reject_above: z
      .int()
      .min(1)
      .max(1 << 24)
      .optional(),
    maxTries: z.int().min(1).max(MOST_TRIES).optional(),
    max_tries: z.int().min(1).max(MOST_TRIES).optional(),
    /** Anthropic's and DeepSeek's switch, taken from clients that send it. */
    type: z.enum(["enabled", "disabled", "adaptive"]).optional(),
  })
  .readonly();
export type ThinkingControls = z.infer<typeof ThinkingControls>;

/** Names of `reasoning_effort`. */
export const EFFORTS = ["none", "minimal", "low", "medium", "high", "xhigh"] as const;
export type Effort = (typeof EFFORTS)[number];

/** What thinking is when a request does not say. */
export interface ThinkingDefaults {
  readonly contextTokens: number;
  /** Thinking tokens of each effort; missing: until thinking ends by itself. */
  readonly efforts: Readonly<Partial<Record<Effort, number>>>;
  readonly budgetTokens: number | undefined;
  readonly waits: number;
  readonly waitText: string;
  readonly answerReserve: number;
}

/** What a request asks of thinking, all filled in. */
export interface WantedThinking {
  readonly setting: BudgetSetting;
  readonly waitText: string;
  readonly answerTokens: number;
  /** Tried anew until thinking is short enough; the setting is of no account then. */
  readonly rejection?: RejectionLimit;
}

/** Shares of the context that an effort thinks at most, where no table is given. */
const SHARES: Readonly<Record<Exclude<Effort, "none">, number | undefined>> = {
  minimal: 1 / 32,
  low: 1 / 8,
  medium: 1 / 3,
  high: undefined,
  xhigh: undefined,
};

/** The usual table for a context: shares of it; high and xhigh think until they end. */
export function usualEfforts(contextTokens: number): ThinkingDefaults["efforts"] {
  const entries = Object.entries(SHARES).flatMap(([effort, share]) =>
    share === undefined ? [] : [[effort, Math.max(16, Math.floor(contextTokens * share))] as const],
  );
  return { none: 0, ...Object.fromEntries(entries) };
}

/** What a request says that has no field of its own here. */
export interface RequestedThinking {
  readonly thinking?: ThinkingControls | undefined;
  readonly reasoningEffort?: Effort | undefined;
  /** 0 is greedy. */
  readonly temperature?: number | undefined;
  /** Cap on thinking and answer together. */
  readonly maxTokens?: number | undefined;
}

/**
 * The setting of a request. `thinking` beats `reasoning_effort`; `max_tokens` bounds thinking and answer together, and leaves the
 * answer its reserve, so that a short limit cuts thinking and never the answer.
 * @throws {ApiError} 400: two fields contradict each other, or there is no room for an answer.
 */
export function wantedThinking(
  { thinking = {}, reasoningEffort, maxTokens, temperature = 0 }: RequestedThinking,
  defaults: ThinkingDefaults,
): WantedThinking {
  const wantedReserve = thinking.answerReserve ?? thinking.answer_reserve ?? defaults.answerReserve;
  const answerTokens = Math.min(wantedReserve, maxTokens ?? wantedReserve);
  const asked = budgetOf(thinking, reasoningEffort, defaults);
  const room = maxTokens === undefined ? Number.POSITIVE_INFINITY : maxTokens - answerTokens;
  const budgetTokens = Math.min(asked ?? defaults.contextTokens, room, defaults.contextTokens);
  const minThinkingTokens = thinking.minTokens ?? thinking.min_tokens ?? 0;
  if (minThinkingTokens > budgetTokens)
    throw new ApiError(400, `thinking.minTokens is ${minThinkingTokens}, and at most ${budgetTokens} may be thought`, {
      param: "thinking.minTokens",
    });
  const isDirect = asked === 0;
  const waits = isDirect ? 0 : (thinking.waits ?? defaults.waits);
  const setting = { mode: isDirect ? "direct" : "think", budgetTokens, waits, minThinkingTokens } as const;
  const waitText = thinking.waitText ?? thinking.wait_text ?? defaults.waitText;
  const limit = rejectionOf(thinking, temperature);
  if (limit === undefined) return { setting, waitText, answerTokens };
  const rejectAbove = Math.max(0, Math.min(limit.rejectAbove, room, defaults.contextTokens));
  return { setting, waitText, answerTokens, rejection: { ...limit, rejectAbove } };
}

/** Throws ApiError 400 where it cannot be: a greedy try would be the same again, and nothing else may decide how thinking ends. */
function rejectionOf(thinking: ThinkingControls, temperature: number): RejectionLimit | undefined {
  const { type, ...controls } = thinking;
  const rejectAbove = controls.rejectAbove ?? controls.reject_above;
  const maxTries = controls.maxTries ?? controls.max_tries;
  const refuse = (param: string, message: string): ApiError =>
    new ApiError(400, message, { param: `thinking.${param}` });
  if (rejectAbove === undefined) {
    if (maxTries !== undefined) throw refuse("maxTries", "thinking.maxTries is for thinking.rejectAbove");
    return undefined;
  }
  if (temperature === 0)
    throw refuse("rejectAbove", "thinking.rejectAbove needs a temperature above 0: greedy tries are all the same");
  const other = (["budgetTokens", "budget_tokens", "minTokens", "min_tokens", "waits"] as const).find(
    (name) => controls[name] !== undefined,
  );
  if (other !== undefined || type === "disabled")
    throw refuse("rejectAbove", `thinking.rejectAbove cannot be combined with thinking.${other ?? "type"}`);
  return { rejectAbove, maxTries: maxTries ?? DEFAULT_TRIES };
}

function budgetOf(
  thinking: ThinkingControls,
  effort: Effort | undefined,
  { efforts, budgetTokens }: ThinkingDefaults,
): number | undefined {
  if (thinking.type === "disabled") return 0;
  const own = thinking.budgetTokens ?? thinking.budget_tokens;
  if (own !== undefined) return own;
  return effort === undefined ? budgetTokens : efforts[effort];
}

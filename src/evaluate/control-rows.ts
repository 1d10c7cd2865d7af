/** @file Controls beside the main line: each pairs replies under the control with replies of the main student. Pure. */
import { mean, wilsonInterval } from "../core/statistics/intervals.ts";
import type { ControlName, ControlRow } from "../schema/controls.ts";
import type { Completion, ThinkingSetting } from "../schema/records.ts";
import { majorityReplies } from "./majority-replies.ts";
import { isScored } from "./evaluation-rows.ts";
import { comparePaired } from "./paired.ts";
import { isCorrect } from "./score.ts";
import { settingKey } from "./settings.ts";

/** The settings that controls are compared at. */
export interface ControlSettings {
  readonly natural: ThinkingSetting;
  /** With the fewest waits that the recipe forces; null when it forces none. */
  readonly wait: ThinkingSetting | null;
}

const DIRECT: ThinkingSetting = { mode: "direct", budgetTokens: 0, waits: 0 };

/** What a control's student or decoding replied, all models and settings of its evaluation. */
export type ControlReplies = Readonly<Partial<Record<ControlName, readonly Completion[]>>>;

/**
 * The rows of every control that ran, in order: (a) and (c) at the natural end and with Wait, (b) answering directly
 * against the main student's natural end, (d) and (e) against the main student with Wait.
 *
 * @param votes samples of (e), fixed beforehand from the main line's tokens
 */
export function controlRows(
  main: readonly Completion[],
  controls: ControlReplies,
  { settings, votes }: { readonly settings: ControlSettings; readonly votes: number },
): ControlRow[] {
  const { natural, wait } = settings;
  const at = (setting: ThinkingSetting) => atSetting(main, setting);
  const row = (control: ControlName, setting: ThinkingSetting, mainSetting: ThinkingSetting): ControlRow[] => {
    const replies = controls[control];
    if (replies === undefined) return [];
    return [{ ...compare(at(mainSetting), atSetting(replies, setting)), control, setting, mainSetting, votes: 1 }];
  };
  const trained = (control: ControlName): ControlRow[] => [
    ...row(control, natural, natural),
    ...(wait === null ? [] : row(control, wait, wait)),
  ];
  return [
    ...trained("no-slips"),
    ...row("answers-only", DIRECT, natural),
    ...trained("random"),
    ...(wait === null ? [] : decodingRows(at(natural), at(wait), { controls, wait, votes })),
  ];
}

interface Decoding {
  readonly controls: ControlReplies;
  readonly wait: ThinkingSetting;
  readonly votes: number;
}

/** What else the main student could have done with the tokens that Wait costs. */
function decodingRows(
  natural: readonly Completion[],
  waited: readonly Completion[],
  { controls, wait, votes }: Decoding,
): ControlRow[] {
  const silent: ThinkingSetting = { ...wait, silent: true };
  const went = atSetting(controls.silent ?? [], silent);
  const samples = (controls.vote ?? []).filter(({ setting }) => setting.temperature !== undefined);
  const sampled = samples[0]?.setting;
  return [
    ...(went.length === 0
      ? []
      : [
          {
            ...compare(waited, went),
            control: "silent" as const,
            setting: silent,
            mainSetting: wait,
            votes: 1,
            ownWaitShare: ownWaitShare(natural, went),
          },
        ]),
    ...(sampled === undefined
      ? []
      : [
          {
            ...compare(waited, majorityReplies(samples, votes)),
            control: "vote" as const,
            setting: sampled,
            mainSetting: wait,
            votes,
          },
        ]),
  ];
}

/** The student's greedy replies at one setting. */
function atSetting(completions: readonly Completion[], setting: ThinkingSetting): Completion[] {
  const key = settingKey(setting);
  return completions.filter((one) => one.model === "student" && settingKey(one.setting) === key);
}

function compare(main: readonly Completion[], control: readonly Completion[]) {
  const { n, first, second, onlyFirst, onlySecond, pValue, difference, interval } = comparePaired(main, control);
  const scored = control.filter(({ grade }) => isScored(grade.outcome));
  const tokensOf = (rows: readonly Completion[]): number => mean(rows.map(({ thinkingTokens }) => thinkingTokens));
  return {
    n,
    accuracy: second,
    interval: n === 0 ? null : wilsonInterval(scored.filter(isCorrect).length, scored.length),
    thinkingTokens: control.length === 0 ? 0 : tokensOf(control),
    mainAccuracy: first,
    mainThinkingTokens: main.length === 0 ? 0 : tokensOf(main),
    difference,
    differenceInterval: interval,
    onlyMain: onlyFirst,
    onlyControl: onlySecond,
    pValue,
  };
}

/** A silent continuation begins with the thinking of the natural end; what follows is the model's own. */
function ownWaitShare(natural: readonly Completion[], silent: readonly Completion[]): number | null {
  const thinkingOf = new Map(natural.map(({ questionId, thinking }) => [questionId, thinking]));
  const wrote = silent.filter(({ questionId, thinking }) => {
    const before = thinkingOf.get(questionId);
    return before !== undefined && thinking.startsWith(before) && /^\s*Wait/.test(thinking.slice(before.length));
  });
  return silent.length === 0 ? null : wrote.length / silent.length;
}

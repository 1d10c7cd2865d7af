/** @file What an evaluation asks: its settings, its header, and the samples that are still missing. Pure. */
import { canonicalJson, shortHash } from "../core/hash.ts";
import type { EvaluationHeader, ModelFacts, SandboxFacts } from "../schema/evaluation.ts";
import { SCHEMA_VERSION, type ThinkingSetting } from "../schema/records.ts";
import type { ModelRequest, SamplePlace } from "./evaluated-model.ts";
import { compareSettings, settingKey } from "./settings.ts";
import type { LoadedTask, TaskQuestion } from "./tasks/task.ts";

/** Which thinking settings are wanted beside the natural end. */
export interface WantedSettings {
  readonly budgets: readonly number[];
  readonly waits: readonly number[];
  readonly isDirect: boolean;
  /** 0 is greedy. */
  readonly temperature: number;
  /** Caps of rejection sampling, tokens; none unless told. */
  readonly rejectAbove?: readonly number[];
  /** Most samples until one fits such a cap. */
  readonly maxTries?: number;
}

/** Samples until a cap of rejection sampling is given up, unless told. s1 needed 655 at its tightest cap, 8 at its third. */
export const DEFAULT_MAX_TRIES = 16;

/**
 * The settings of an evaluation in the order of the sweep, without repeats; the natural end is always among them, and a
 * budget of `maxTokens` or more is the natural end.
 */
export function wantedSettings(wanted: WantedSettings, maxTokens: number): ThinkingSetting[] {
  const sampled = wanted.temperature > 0 ? { temperature: wanted.temperature } : {};
  const think = (budgetTokens: number, waits: number): ThinkingSetting => ({
    mode: "think",
    budgetTokens: Math.min(budgetTokens, maxTokens),
    waits,
    ...sampled,
  });
  const settings: ThinkingSetting[] = [
    ...(wanted.isDirect ? [{ mode: "direct", budgetTokens: 0, waits: 0, ...sampled } as const] : []),
    ...wanted.budgets.map((budget) => think(budget, 0)),
    think(maxTokens, 0),
    ...wanted.waits.map((waits) => think(maxTokens, waits)),
    ...(wanted.rejectAbove ?? []).map((cap) => ({ ...think(cap, 0), maxTries: wanted.maxTries ?? DEFAULT_MAX_TRIES })),
  ];
  return [...new Map(settings.map((setting) => [settingKey(setting), setting])).values()].sort((a, b) =>
    compareSettings(a, b, maxTokens),
  );
}

/** What a header is made of. */
export interface HeaderParts {
  readonly task: LoadedTask;
  readonly model: {
    readonly facts: ModelFacts;
    readonly maxTokens: number;
    readonly answerTokens: number | null;
  };
  readonly settings: readonly ThinkingSetting[];
  readonly samplesPerQuestion: number;
  readonly seed: number;
  readonly temperature: number;
  readonly graderVersion: string;
  readonly sandbox: SandboxFacts | null;
  readonly grappaVersion: string;
}

/** The header of an evaluation; its id is a hash of all that its samples depend on. */
export function evaluationHeader(parts: HeaderParts): EvaluationHeader {
  const { task, model, grappaVersion, settings, ...rest } = parts;
  const { name, version, promptVersion, profile, source, sha256 } = task;
  const questions = task.questions.length;
  const content = {
    task: { name, version, promptVersion, profile, source, sha256, questions },
    model: model.facts,
    settings: [...settings],
    maxTokens: model.maxTokens,
    answerTokens: model.answerTokens,
    ...rest,
  };
  return { schemaVersion: SCHEMA_VERSION, id: shortHash(canonicalJson(content)), ...content, grappaVersion };
}

/** A sample's place as a text, equal for equal places. */
export function sampleKey({ questionId, sampleIndex, setting }: SamplePlace): string {
  return `${questionId}/${sampleIndex}/${settingKey(setting)}`;
}

/**
 * What is still to be asked, given the keys of the samples there are, in the order of the questions' ids, which are
 * hashes. The first sample of every question comes before the second of any.
 */
export function missingRequests(
  header: Pick<EvaluationHeader, "settings" | "samplesPerQuestion">,
  questions: readonly TaskQuestion[],
  done: ReadonlySet<string>,
): ModelRequest[] {
  const ordered = [...questions].sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
  return Array.from({ length: header.samplesPerQuestion }, (_, sampleIndex) =>
    ordered.flatMap(({ id: questionId, prompt }): ModelRequest[] => {
      const settings = header.settings.filter((setting) => !done.has(sampleKey({ questionId, sampleIndex, setting })));
      return settings.length === 0 ? [] : [{ questionId, prompt, sampleIndex, settings }];
    }),
  ).flat();
}

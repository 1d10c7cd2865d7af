/** @file Replies of a generate job as lines, and the generations that they are, by the same machine that made them. */
import { AppError } from "../core/errors.ts";
import type { GenerateJob, GenerateModel, GeneratePrompt, GenerateReply } from "../schema/generate-job.ts";
import { SCHEMA_VERSION } from "../schema/schema-version.ts";
import { commonLength } from "./common-length.ts";
import type { Generation, RowRequest } from "./row.ts";
import { openSegmentedRow } from "./segments.ts";

/** What the model chose under each setting of one prompt, by the setting's place. */
export type KnownReplies = ReadonlyMap<number, readonly number[]>;

/** Gathers the lines of `replies.jsonl`. A line that continues none that is known is left out: it is asked for again. */
export class ReplyBook {
  readonly #byPrompt = new Map<string, Map<number, readonly number[]>>();

  /** Takes a line; false where it is left out. */
  add({ model, key, place, shared, chosen }: GenerateReply): boolean {
    const name = nameOf(model, key);
    const known = this.#byPrompt.get(name) ?? new Map<number, readonly number[]>();
    const before = shared === null ? [] : known.get(shared.place)?.slice(0, shared.tokens);
    if (before === undefined || before.length !== (shared?.tokens ?? 0)) return false;
    known.set(place, [...before, ...chosen]);
    this.#byPrompt.set(name, known);
    return true;
  }

  /** What is known of a prompt. */
  of({ model, key }: Pick<GeneratePrompt, "model" | "key">): KnownReplies {
    return this.#byPrompt.get(nameOf(model, key)) ?? new Map();
  }

  /** The line for choices that are new, kept from now on; it leaves out what an earlier line of the prompt has. */
  line(prompt: Pick<GeneratePrompt, "model" | "key">, place: number, choices: readonly number[]): GenerateReply {
    const { model, key } = prompt;
    let shared: GenerateReply["shared"] = null;
    for (const [earlier, known] of this.of(prompt)) {
      const tokens = commonLength(known, choices);
      if (tokens > (shared?.tokens ?? 0)) shared = { place: earlier, tokens };
    }
    const line: GenerateReply = {
      schemaVersion: SCHEMA_VERSION,
      model,
      key,
      place,
      shared,
      chosen: choices.slice(shared?.tokens ?? 0),
    };
    this.add(line);
    return line;
  }
}

/** The job's entry for a model. Throws "file-corrupt" where it has none. */
export function modelOf({ models }: Pick<GenerateJob, "models">, name: string): GenerateModel {
  const model = models.find((each) => each.name === name);
  if (model !== undefined) return model;
  const known = models.map((each) => each.name).join(", ");
  throw new AppError("file-corrupt", `the job has no model "${name}"; it has ${known}`, { data: { name } });
}

/** A prompt as the decoder takes it. */
export function rowOf(
  { ids, settings, sampling }: GeneratePrompt,
  { answerTokens }: Pick<GenerateJob, "answerTokens">,
): RowRequest {
  return { promptIds: ids, settings, answerTokens, sampling };
}

/**
 * The generations of a prompt whose replies are all there, one a setting.
 * @throws {AppError} file-corrupt: a reply is missing, ends too soon or goes on past its end
 */
export function generationsOf(prompt: GeneratePrompt, job: GenerateJob, known: KnownReplies): readonly Generation[] {
  const { contextTokens, choosableIds, maxSegmentTokens } = job;
  const { delimiters } = modelOf(job, prompt.model);
  const place = { contextTokens, choosableIds, delimiters, maxSegmentTokens, canHoldBackStops: true, known };
  const row = openSegmentedRow(rowOf(prompt, job), place);
  const isShort = row.next() !== undefined;
  const isLong = row.choices.some((choices, setting) => choices.length !== known.get(setting)?.length);
  const isForeign = [...known.values()].some((choices) => choices.some((id) => id >= choosableIds));
  if (!isShort && !isLong && !isForeign) return row.generations;
  const message = `replies of ${prompt.model} to ${prompt.key} ${isShort ? "are missing or end too soon" : "are none that the model could give"}`;
  throw new AppError("file-corrupt", message, {
    hint: "the job's replies were changed or broken; run again with --from and the stage's name",
    data: { model: prompt.model, key: prompt.key, settings: prompt.settings.length, known: known.size },
  });
}

function nameOf(model: string, key: string): string {
  return `${model}\n${key}`;
}

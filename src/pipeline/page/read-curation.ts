/** @file The funnel in depth: its stages, examples of what they dropped, and both sides of the selection. */
import { AppError } from "../../core/errors.ts";
import {
  compareSides,
  type CurationView,
  curationStages,
  type DroppedExamples,
} from "../../report/page/curation-view.ts";
import type { PageQuery } from "../../report/page/page-api.ts";
import { Dropped, Question } from "../../schema/records.ts";
import { finishedStages } from "../finished-stages.ts";
import type { StageInput } from "../stage.ts";
import type { PageReader } from "./page-reader.ts";
import { readFunnelStages } from "./read-funnel.ts";
import { doneStamp, type RunFacts } from "./run-facts.ts";
import { countedBy, type TraceIndex, traceIndex } from "./trace-index.ts";

const MOST_EXAMPLES = 12;
const QUESTION_CHARACTERS = 280;

/** What curation took and left, as far as the run has come. Throws as reading its stages does. */
export async function readCuration(facts: RunFacts, reader: PageReader): Promise<CurationView> {
  const stages = curationStages(await readFunnelStages(facts, reader));
  const index = await indexIfThere(facts, reader);
  const sides = index?.isSelected
    ? compareSides(
        index.traces.map(({ selection, question: { domain }, thinkingTokens }) => ({
          isSelected: selection !== null,
          domain,
          thinkingTokens,
        })),
      )
    : null;
  return { run: facts.name, stages, sides, countedBy: countedBy(facts) };
}

async function indexIfThere(facts: RunFacts, reader: PageReader): Promise<TraceIndex | undefined> {
  try {
    return await traceIndex(facts, reader);
  } catch (error) {
    if (error instanceof AppError && error.code === "file-missing") return undefined;
    throw error;
  }
}

/** Examples of what `stage` of the query dropped for `reason`. Throws "file-missing" for a stage that is not done, or none. */
export async function readDropped(facts: RunFacts, reader: PageReader, query: PageQuery): Promise<DroppedExamples> {
  const { stage = "", reason = "" } = query;
  const name = `dropped ${facts.folder} ${JSON.stringify([stage, reason]).slice(0, 300)}`;
  return await reader.kept.get(name, doneStamp(facts), async () => {
    const stages = await finishedStages(reader.ports.fs, facts.folder);
    const found = [...stages.values()].find(({ manifest }) => manifest.funnel.some((step) => step.stage === stage));
    const step = found?.manifest.funnel.find((each) => each.stage === stage);
    if (found === undefined || step === undefined)
      throw new AppError("file-missing", "this run has finished no such stage");
    const count = Object.hasOwn(step.reasons, reason) ? (step.reasons[reason] ?? 0) : 0;
    const rows = await spreadRows(found, { stage, reason, count });
    const index = await indexIfThere(facts, reader);
    const texts = await questionTexts(stages.get("collect"), new Set(rows.map(({ id }) => id)));
    const examples = rows.map(({ id, stage: droppedAt, detail }) => {
      const text = index?.byId.get(id)?.question.text ?? texts.get(id) ?? null;
      return {
        id,
        step: droppedAt,
        detail: detail.slice(0, QUESTION_CHARACTERS),
        question: text === null ? null : text.slice(0, QUESTION_CHARACTERS),
        isTrace: index?.byId.has(id) ?? false,
      };
    });
    return { stage, reason, count, examples };
  });
}

/** Some rows of the reason, evenly from all of them. */
async function spreadRows(
  { manifest, streamRows }: StageInput,
  { stage, reason, count }: Pick<DroppedExamples, "stage" | "reason" | "count">,
): Promise<readonly Dropped[]> {
  const places = Math.max(MOST_EXAMPLES, count);
  const rows: Dropped[] = [];
  if (count === 0 || !manifest.files.some(({ path }) => path === "dropped.jsonl")) return rows;
  let place = 0;
  for await (const row of streamRows("dropped.jsonl", Dropped)) {
    // A stage of one step counts under its own name what others inside it dropped.
    if (row.reason !== reason || (manifest.funnel.length > 1 && row.stage !== stage)) continue;
    if (place === Math.floor((rows.length * places) / MOST_EXAMPLES)) rows.push(row);
    place += 1;
    if (rows.length === MOST_EXAMPLES) break;
  }
  return rows;
}

async function questionTexts(collect: StageInput | undefined, ids: ReadonlySet<string>): Promise<Map<string, string>> {
  const texts = new Map<string, string>();
  if (collect === undefined || ids.size === 0) return texts;
  for await (const { id, text } of collect.streamRows("questions.jsonl", Question))
    if (ids.has(id)) texts.set(id, text);
  return texts;
}

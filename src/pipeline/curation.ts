/**
 * @file What `grappa curate` leaves in a run's folder: `funnel.json`, `selection.jsonl` and `dropped.jsonl`, all made of the
 * outputs of the stages up to the selection, so that `grappa verify` can make them again.
 */
import { type FileSystem, joinPath } from "../adapters/file-system.ts";
import { AppError } from "../core/errors.ts";
import { buildFunnel } from "../curate/funnel.ts";
import { STAGE_NAMES, type StageName } from "../schema/manifest.ts";
import { Dropped, type FunnelStage, SCHEMA_VERSION, Selection } from "../schema/records.ts";
import { finishedStages } from "./finished-stages.ts";
import type { StageInput } from "./stage.ts";

/** Largest line of a stage's file that is copied, bytes. */
const MAX_LINE_BYTES = 64 * 1024 * 1024;

/** How a run came to its selection. */
export interface Curation {
  readonly schemaVersion: typeof SCHEMA_VERSION;
  /** Every step in order; what one keeps the next takes, but where a question becomes traces. */
  readonly funnel: readonly FunnelStage[];
  /** Selected rows by the rule that chose them, and by domain, most frequent first. */
  readonly chosenBy: Readonly<Record<string, number>>;
  readonly domains: Readonly<Record<string, number>>;
  readonly thinkingTokens: { readonly mean: number; readonly longest: number; readonly total: number };
}

/** A file of the three: its name, and its text in pieces. */
export interface CurationFile {
  readonly name: string;
  text(): AsyncIterable<string>;
}

/** Writes the three files and returns what the first holds. Throws "file-missing" while the selection is not done. */
export async function writeCuration(fs: FileSystem, runFolder: string): Promise<Curation> {
  const stages = await finishedStages(fs, runFolder);
  const curation = await readCuration(stages, runFolder);
  for (const { name, text } of curationFiles(fs, stages, curation)) {
    const writer = await fs.openWriter(joinPath(runFolder, name));
    try {
      for await (const piece of text()) await writer.write(piece);
    } catch (error) {
      await writer.abandon();
      throw error;
    }
    await writer.close();
  }
  return curation;
}

/** The three files as they must be. */
export function curationFiles(
  fs: FileSystem,
  stages: ReadonlyMap<StageName, StageInput>,
  curation: Curation,
): CurationFile[] {
  const copy = (names: readonly StageName[], file: string) =>
    async function* (): AsyncGenerator<string> {
      for (const stage of curatingStages(stages).filter(({ name }) => names.includes(name)))
        if (hasFile(stage.input, file))
          for await (const line of fs.readLines(stage.input.path(file), MAX_LINE_BYTES)) yield `${line}\n`;
    };
  return [
    {
      name: "funnel.json",
      text: async function* () {
        yield `${JSON.stringify(curation, null, 2)}\n`;
      },
    },
    { name: "selection.jsonl", text: copy(["select"], "selection.jsonl") },
    { name: "dropped.jsonl", text: copy(STAGE_NAMES, "dropped.jsonl") },
  ];
}

/** Adds up a run's funnel from its stages' outputs. Throws "file-missing" while the selection is not done. */
export async function readCuration(stages: ReadonlyMap<StageName, StageInput>, runFolder: string): Promise<Curation> {
  const select = stages.get("select");
  if (select === undefined)
    throw new AppError("file-missing", `${runFolder}: nothing is selected there yet`, {
      hint: "`grappa curate RECIPE` runs a recipe up to its selection",
      data: { folder: runFolder },
    });
  const funnel: FunnelStage[] = [];
  for (const { name, input } of curatingStages(stages)) funnel.push(...(await stepsOf(name, input)));
  const [chosenBy, domains, lengths]: [string[], string[], number[]] = [[], [], []];
  for await (const { reason, domain, thinkingTokens } of select.streamRows("selection.jsonl", Selection)) {
    chosenBy.push(reason);
    domains.push(domain);
    lengths.push(thinkingTokens);
  }
  const total = lengths.reduce((sum, length) => sum + length, 0);
  const longest = lengths.reduce((most, length) => Math.max(most, length), 0);
  return {
    schemaVersion: SCHEMA_VERSION,
    funnel,
    chosenBy: countEach(chosenBy),
    domains: countEach(domains),
    thinkingTokens: { mean: Math.round(total / Math.max(1, lengths.length)), longest, total },
  };
}

const hasFile = ({ manifest }: StageInput, file: string): boolean => manifest.files.some(({ path }) => path === file);

/** The stages up to the selection, in order. */
function curatingStages(stages: ReadonlyMap<StageName, StageInput>) {
  return STAGE_NAMES.slice(0, STAGE_NAMES.indexOf("select") + 1).flatMap((name) => {
    const input = stages.get(name);
    return input === undefined ? [] : [{ name, input }];
  });
}

/** A stage's funnel, taken apart where its dropped rows name more than one step: quality, then the selection. */
async function stepsOf(name: StageName, input: StageInput): Promise<FunnelStage[]> {
  const [whole, ...more] = input.manifest.funnel;
  if (whole === undefined || more.length > 0 || !hasFile(input, "dropped.jsonl")) return [...input.manifest.funnel];
  const steps = new Map<string, Dropped[]>();
  for await (const row of input.streamRows("dropped.jsonl", Dropped)) {
    const step = steps.get(row.stage);
    const short = { ...row, detail: "" };
    if (step === undefined) steps.set(row.stage, [short]);
    else step.push(short);
  }
  // The stage's own step is its last; where others dropped all that went, only the selection's says something more.
  const own = steps.get(name) ?? [];
  steps.delete(name);
  if (own.length > 0 || steps.size === 0 || name === "select") steps.set(name, own);
  let left = whole.in;
  return [...steps].map(([step, dropped]) => {
    const before = left;
    left -= dropped.length;
    return buildFunnel(step, before, { kept: { length: left }, dropped });
  });
}

function countEach(names: readonly string[]): Record<string, number> {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return Object.fromEntries([...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1)));
}

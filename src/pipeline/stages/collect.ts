import { basename, resolve } from "node:path";
import { dropDuplicates } from "../../curate/duplicates.ts";
import { collectQuestions } from "../../questions/collect-questions.ts";
import { families } from "../../questions/families.ts";
import type { Recipe } from "../../schema/recipe.ts";
import type { Dropped, Question } from "../../schema/records.ts";
import type { Stage, StageContext, StageSummary } from "../stage.ts";
import { type FileQuestions, readFileQuestions } from "./file-questions.ts";
import { benchmarkFiles, curateWithoutPlaces } from "./load-benchmarks.ts";
import { type Sifted, siftQuestions } from "./sift-questions.ts";

/**
 * Takes the recipe's questions from the train bucket: nothing of another bucket goes further, so that nothing which is
 * evaluated can be trained on. Outputs `questions.jsonl` and `dropped.jsonl`; and `held-out.jsonl`, what files hold of the
 * other buckets, where there are files. Where the recipe has `curate`, `curation.json` and `duplicate-clusters.jsonl` too.
 */
export function collectStage(): Stage {
  return {
    name: "collect",
    inputs: [],
    facts: (recipe) => (hasFiles(recipe) || benchmarkFiles(recipe).length > 0 ? ["questionFiles"] : []),
    codeVersion: 1,
    config: ({ collect, seed, curate }) => ({
      collect: withoutPlaces(collect),
      seed,
      ...(curate === undefined ? {} : { curate: curateWithoutPlaces(curate) }),
    }),
    plan: ({ collect }) =>
      `${hasFiles({ collect }) ? "up to " : ""}${totalOf(collect)} questions from ${collect.sources.map((source) => (source.type === "file" ? basename(source.path) : source.family)).join(" and ")}`,
    run: collect,
  };
}

/** Whether questions come from files. */
export function hasFiles({ collect }: Pick<Recipe, "collect">): boolean {
  return collect.sources.some(({ type }) => type === "file");
}

/** The sources without where files lie: their bytes count, by their hash. */
export function withoutPlaces({ sources }: Recipe["collect"]): Recipe["collect"] {
  return {
    sources: sources.map((source) =>
      source.type === "file" ? { ...source, path: basename(source.path.replaceAll("\\", "/")) } : source,
    ),
  };
}

function totalOf({ sources }: Recipe["collect"]): number {
  return sources.reduce((sum, { count }) => sum + count, 0);
}

async function collect(context: StageContext): Promise<StageSummary> {
  const { recipe, output, progress, signal } = context;
  const total = totalOf(recipe.collect);
  const found: Question[] = [];
  const heldOut: Question[] = [];
  const bad: Dropped[] = [];
  for (const source of recipe.collect.sources) {
    signal.throwIfAborted();
    if (source.type === "file") {
      const read = await readFileQuestions(resolve(context.recipeFolder, source.path), source);
      warnOfBadRows(context, basename(source.path), read);
      found.push(...read.train);
      heldOut.push(...read.heldOut);
      bad.push(...read.dropped);
    } else {
      const { family, count, difficulty } = source;
      found.push(
        ...collectQuestions({ family: families[family], count, difficulty, bucket: "train", seed: recipe.seed }),
      );
    }
    progress({ done: found.length, total: Math.max(total, found.length), unit: "questions" });
    await new Promise((resolve) => setImmediate(resolve)); // generating is synchronous; a Ctrl-C gets its turn here
  }
  const sifted = await siftQuestions({ found, heldOut, bad }, recipe.curate, context);
  await output.writeRows("questions.jsonl", sifted.kept);
  await output.writeRows("dropped.jsonl", sifted.dropped);
  if (hasFiles(recipe)) await output.writeRows("held-out.jsonl", dropDuplicates(heldOut).kept);
  await writeCuration(context, sifted);
  return { funnel: sifted.funnel, notes: sifted.notes };
}

async function writeCuration({ output, warn }: StageContext, { curation, clusters }: Sifted): Promise<void> {
  if (curation === null) return;
  await output.writeJson("curation.json", curation);
  if (curation.nearDuplicates !== null) await output.writeRows("duplicate-clusters.jsonl", clusters);
  for (const { task, reason } of curation.decontamination?.notChecked ?? [])
    warn(`not checked against ${task}: ${reason}`);
}

function warnOfBadRows({ warn }: StageContext, file: string, { dropped }: FileQuestions): void {
  const [first] = dropped;
  if (first === undefined) return;
  const rows = dropped.length === 1 ? "1 row is" : `${dropped.length} rows are`;
  warn(`${file}: ${rows} no question (dropped.jsonl lists all); the first: ${first.detail}`);
}

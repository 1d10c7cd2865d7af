import { dropDuplicates } from "../../curate/duplicates.ts";
import { sourceName } from "../../schema/question-source.ts";
import type { Recipe } from "../../schema/recipe.ts";
import type { HubAccess } from "../open-data.ts";
import { readSources } from "../sources/read-sources.ts";
import { dataSources, localFiles, withoutPlaces } from "../sources/source-places.ts";
import type { Stage, StageContext, StageSummary } from "../stage.ts";
import { benchmarkFiles, curateWithoutPlaces } from "./load-benchmarks.ts";
import { type Sifted, siftQuestions } from "./sift-questions.ts";

/**
 * Takes the recipe's questions from the train bucket: nothing of another bucket goes further, so that nothing which is
 * evaluated can be trained on. Outputs `questions.jsonl` and `dropped.jsonl`; where there are data sets `held-out.jsonl`, what
 * they hold of the other buckets, and `sources.jsonl`, what was read of each; and where the recipe has `curate`,
 * `curation.json` and `duplicate-clusters.jsonl`.
 */
export function collectStage(hub?: HubAccess): Stage {
  return {
    name: "collect",
    inputs: [],
    facts: (recipe) => (localFiles(recipe).length + benchmarkFiles(recipe).length > 0 ? ["questionFiles"] : []),
    codeVersion: 1,
    config: ({ collect, seed, curate }) => ({
      collect: withoutPlaces(collect),
      seed,
      ...(curate === undefined ? {} : { curate: curateWithoutPlaces(curate) }),
    }),
    plan: (recipe) =>
      `${dataSources(recipe).length > 0 ? "up to " : ""}${mostOf(recipe)} questions from ${recipe.collect.sources.map((source) => (source.type === "family" ? source.family : sourceName(source))).join(" and ")}`,
    run: (context) => collect(context, hub),
  };
}

/** Most questions that the sources may give. */
function mostOf({ collect }: Recipe): number {
  return collect.sources.reduce(
    (sum, source) =>
      sum + (source.type === "family" ? source.count : (source.expectedCount ?? source.sample ?? source.count)),
    0,
  );
}

async function collect(context: StageContext, hub: HubAccess | undefined): Promise<StageSummary> {
  const { recipe, recipeFolder, output, progress, signal, warn } = context;
  const total = mostOf(recipe);
  const { found, heldOut, bad, readings } = await readSources(
    recipe,
    { recipeFolder, hub, signal, seed: recipe.seed, strict: recipe.collect.strict },
    { onProgress: (done) => progress({ done, total: Math.max(total, done), unit: "questions" }), warn },
  );
  const sifted = await siftQuestions({ found, heldOut, bad }, recipe.curate, { recipeFolder, signal, hub });
  await output.writeRows("questions.jsonl", sifted.kept);
  await output.writeRows("dropped.jsonl", sifted.dropped);
  if (readings.length > 0) {
    await output.writeRows("held-out.jsonl", dropDuplicates(heldOut).kept);
    await output.writeRows("sources.jsonl", readings);
  }
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

/** @file What a run's cards say of where its data and its teacher's replies come from. */
import type { FileSystem } from "../../adapters/file-system.ts";
import { termsOf } from "../../adapters/teacher/terms-of-use.ts";
import type { CardTerms } from "../../report/dataset-card.ts";
import { Curation } from "../../schema/curation.ts";
import type { Recipe } from "../../schema/recipe.ts";
import { SourceReading } from "../../schema/records.ts";
import { readAcceptedTerms } from "../accepted-terms.ts";
import { openFinishedStage } from "../finished-stages.ts";
import { teacherEndpoints } from "../stages/gates.ts";

/** What was read of each data set, and checked against what; none where all questions are made, or nothing was checked. */
export async function readCollected(fs: FileSystem, runFolder: string) {
  const { manifest, input } = await openFinishedStage(fs, runFolder, { stage: "collect", verification: "hashes" });
  const has = (name: string): boolean => manifest.files.some(({ path }) => path === name);
  return {
    readings: has("sources.jsonl") ? await input.readRows("sources.jsonl", SourceReading) : [],
    decontamination: has("curation.json") ? (await input.readJson("curation.json", Curation)).decontamination : null,
  };
}

/** The terms of the recipe's teachers; what was accepted is quoted as it stood then. */
export async function termsOfTeachers(fs: FileSystem, runFolder: string, recipe: Recipe): Promise<CardTerms[]> {
  const accepted = new Map((await readAcceptedTerms(fs, runFolder)).map((terms) => [terms.provider, terms]));
  const all = new Map(
    teacherEndpoints(recipe)
      .flatMap(termsOf)
      .map((terms) => [terms.provider, terms]),
  );
  return [...all.values()].map(({ title, provider, mayTrain, clause, source, textOf }) => {
    const now = { provider, mayTrain, clause, source, textOf };
    return { ...now, ...accepted.get(provider), title, isAccepted: accepted.has(provider) };
  });
}

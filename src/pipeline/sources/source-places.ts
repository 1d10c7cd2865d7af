/** @file Where a recipe's sources lie: on this disk, which another folder sees elsewhere, or on the hub. */
import { basename } from "node:path";
import { isHubReference } from "../../adapters/datasets/hub/hub-reference.ts";
import type { DataSource, HubSource } from "../../schema/question-source.ts";
import type { Recipe } from "../../schema/recipe.ts";

type Collect = Recipe["collect"];

/** The sources that are data sets. */
export function dataSources({ collect }: Pick<Recipe, "collect">): DataSource[] {
  return collect.sources.filter((source) => source.type !== "family");
}

/** Whether data sets hold questions out, for a student to be evaluated on. */
export function holdsOut(recipe: Pick<Recipe, "collect">): boolean {
  return dataSources(recipe).some(({ holdOut }) => holdOut);
}

/** The same with each path on this disk changed. */
export function movePlaces(collect: Collect, move: (path: string) => string): Collect {
  const sources = collect.sources.map((source) => {
    if (source.type === "family") return source;
    const lists = source.lists.map((list) => (isHubReference(list.data) ? list : { ...list, data: move(list.data) }));
    return source.type === "file" ? { ...source, lists, path: move(source.path) } : { ...source, lists };
  });
  return { ...collect, sources };
}

/** What a recipe's collected questions depend on: not where files lie, since their bytes count, nor whether bad rows stop it. */
export function withoutPlaces(collect: Collect): Omit<Collect, "strict"> {
  const { strict: _strict, ...rest } = movePlaces(collect, withoutFolder);
  return rest;
}

/** A place on this disk without its folder; what is on the hub as it is. */
export function withoutFolder(place: string): string {
  return isHubReference(place) ? place : basename(place.replaceAll("\\", "/"));
}

/** The file of recorded traces on this disk; undefined where there are none, or they are on the hub. */
export function recordedFile({ trace: { teacher } }: Pick<Recipe, "trace">): string | undefined {
  return teacher.type === "recorded" && !isHubReference(teacher.data) ? teacher.data : undefined;
}

/** A teacher with the place of its recorded traces changed; others as they are. */
export function moveTeacher(
  teacher: Recipe["trace"]["teacher"],
  move: (path: string) => string,
): Recipe["trace"]["teacher"] {
  return teacher.type === "recorded" && !isHubReference(teacher.data)
    ? { ...teacher, data: move(teacher.data) }
    : teacher;
}

/** Paths of all files on this disk that the sources read, and of recorded traces, in the recipe's order. */
export function localFiles({ collect, trace }: Pick<Recipe, "collect" | "trace">): string[] {
  const paths: string[] = [];
  movePlaces(collect, (path) => {
    paths.push(path);
    return path;
  });
  const recorded = recordedFile({ trace });
  return recorded === undefined ? paths : [...paths, recorded];
}

/** The hub's data that sources, benchmarks and recorded traces are read from: data set, revision and part of each. */
export function hubDataOf({ collect, trace, curate }: Pick<Recipe, "collect" | "trace" | "curate">): string[] {
  const references = dataSources({ collect }).flatMap((source) => [
    ...(source.type === "hub" ? hubReferences(source) : []),
    ...source.lists.map(({ data }) => data).filter(isHubReference),
  ]);
  const { teacher } = trace;
  const recorded = teacher.type === "recorded" && isHubReference(teacher.data) ? [teacher.data] : [];
  const benchmarks = (curate?.decontaminate?.against ?? []).flatMap(({ data }) => data ?? []).filter(isHubReference);
  return [...new Set([...references, ...benchmarks, ...recorded])];
}

/** A reference for each part of a data set of the hub. */
export function hubReferences({ id, revision, parts }: HubSource): string[] {
  const whole = `hf:${id}@${revision}`;
  return parts.length === 0 ? [whole] : parts.map((part) => `${whole}:${part}`);
}

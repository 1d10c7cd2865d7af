/** @file What a reader needs to run it again: command, versions, machine, hashes, recipe. */
import { learningRateOf } from "../../schema/training-fields.ts";
import { count, gibibytes, parameterCount, percent } from "../number-format.ts";
import { cappedText, oneLine, TEXT_CAPS } from "../plain-text.ts";
import type { RunResults } from "../run-results.ts";
import { type DataTable, plainRow, textColumn } from "./data-table.ts";
import { exampleCount } from "./headline.ts";
import { teacherName } from "./honesty.ts";

/** How to get the same run again. */
export interface FactsView {
  readonly command: string;
  readonly setup: DataTable;
  readonly versions: DataTable;
  /** The resolved recipe, a line a field, as `--set` takes it: `train.epochs=5`. */
  readonly recipe: string;
}

function setupTable(results: RunResults): DataTable {
  const { recipe, student } = results;
  const { train } = recipe;
  const teacher = recipe.trace.teacher;
  const slip =
    teacher.type === "builtin"
      ? [plainRow("teacher's slip rate", `${percent(teacher.slipRate, 0)} of quick passes`)]
      : [];
  return {
    caption: "The experiment in short.",
    columns: [textColumn("what"), textColumn("value")],
    rows: [
      plainRow("recipe and seed", `${recipe.name}, seed ${recipe.seed}`),
      plainRow(
        "student",
        `${parameterCount(student.parameters)} parameters, context ${count(student.contextTokens)} tokens, base ${oneLine(recipe.student.base)}`,
      ),
      plainRow("teacher", teacherName(recipe)),
      ...slip,
      plainRow("examples", `${count(exampleCount(results))}, selection "${recipe.select.method}"`),
      plainRow(
        "training",
        `${train.epochs} epochs, batch ${train.batchSize}, learning rate ${learningRateOf(train, recipe.student.hosted)}, ${recipe.student.hosted ? "" : `AdamW ${train.beta1}/${train.beta2}, `}weight decay ${train.weightDecay}`,
      ),
      plainRow(
        "held-out questions",
        `${count(recipe.evaluate.count)} from the ${recipe.evaluate.bucket} bucket, ${recipe.evaluate.difficulty.join(" to ")} steps`,
      ),
    ],
  };
}

function versionsTable({ machine, reproduction }: RunResults): DataTable {
  return {
    caption: "Versions, machine and hashes.",
    columns: [textColumn("what"), textColumn("value")],
    rows: [
      plainRow("grappa", oneLine(reproduction.grappaVersion)),
      plainRow("node", oneLine(machine.nodeVersion)),
      plainRow("kernels", oneLine(machine.kernels)),
      plainRow(
        "machine",
        `${oneLine(machine.cpu)}, ${count(machine.cores)} cores, ${count(machine.threads)} threads used, ${gibibytes(machine.memoryBytes)}, ${oneLine(machine.platform)}`,
      ),
      ...reproduction.hashes.slice(0, 24).map(({ name, hash }) => plainRow(oneLine(name, 32), oneLine(hash, 64))),
    ],
  };
}

function recipeLines(value: object, path = ""): readonly string[] {
  return Object.entries(value).flatMap(([key, member]: [string, unknown]) =>
    member !== null && typeof member === "object" && !Array.isArray(member)
      ? recipeLines(member, `${path}${key}.`)
      : `${path}${key}=${JSON.stringify(member)}`,
  );
}

/** Command, set-up, versions and recipe of a run. */
export function factsOf(results: RunResults): FactsView {
  return {
    command: oneLine(results.reproduction.command, TEXT_CAPS.sentence),
    setup: setupTable(results),
    versions: versionsTable(results),
    recipe: cappedText(recipeLines(results.recipe).join("\n"), TEXT_CAPS.recipe),
  };
}

import { readdirSync } from "node:fs";
import { cp, mkdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { nodeServices } from "../src/cli/services.ts";
import { type FakeMachine, fakeMachine } from "./fake-cli.ts";
import { tinyRecipe, writeTinyStudent } from "./tiny-student.ts";

let machine: FakeMachine;
let base: string;
beforeEach(async () => {
  machine = await fakeMachine(nodeServices);
  base = join(machine.folder, "base");
  await writeTinyStudent(base);
  await writeFile(join(machine.folder, "recipe.json"), JSON.stringify(tinyRecipe("base")));
});
afterEach(() => rm(machine.folder, { recursive: true, force: true }));

/** Code and message of the failure that `grappa run` ends with. */
async function failure(): Promise<{ code: string; message: string; exitCode: number }> {
  const { stdout, exitCode } = await machine.run("run", "--json");
  const { error } = JSON.parse(stdout.trimEnd().split("\n").at(-1) ?? "") as {
    error: { code: string; message: string };
  };
  return { ...error, exitCode };
}

test.each([
  ["a missing model", () => rm(base, { recursive: true }), "model-missing"],
  ["a model without weights", () => rm(join(base, "model.safetensors")), "model-missing"],
  ["weights cut short", () => truncate(join(base, "model.safetensors"), 1000), "checkpoint-corrupt"],
  [
    "weights that are no weights",
    () => writeFile(join(base, "model.safetensors"), "not a model at all"),
    "checkpoint-corrupt",
  ],
  ["a config of another shape", () => editJson("config.json", { hidden_size: 64 }), "checkpoint-corrupt"],
  ["a tokenizer that is not JSON", () => writeFile(join(base, "tokenizer.json"), "{"), "tokenizer-corrupt"],
  ["a tokenizer without its pieces", () => writeFile(join(base, "tokenizer.json"), "{}"), "tokenizer-corrupt"],
  [
    "a chat template that does not parse",
    () => writeFile(join(base, "chat_template.jinja"), "{% for %}"),
    "tokenizer-corrupt",
  ],
])("%s fails by name, before anything is written", async (_fault, damage, code) => {
  await damage();
  const { exitCode, message, ...error } = await failure();
  expect(error.code).toBe(code);
  expect(exitCode).toBe(4);
  expect(message).toContain("base");
  expect(readdirSync(machine.folder)).not.toContain("runs");
});

async function editJson(name: string, changes: object): Promise<void> {
  const path = join(base, name);
  await writeFile(path, JSON.stringify({ ...(JSON.parse(await readFile(path, "utf8")) as object), ...changes }));
}

test("a checkpoint that cannot be trusted stops the run by name; without it, training begins anew", async () => {
  await machine.run("run", "--until", "tokenize");
  const stages = join(machine.folder, "runs/tiny-0/stages");
  // The key of the training stage is known once it has run; its output is then taken for that of a killed try.
  await machine.run("run", "--until", "train");
  const train = readdirSync(stages).find((name) => name.startsWith("train-")) ?? "";
  const work = join(stages, train, "work/checkpoint");
  await cp(join(stages, train), join(machine.folder, "expected"), { recursive: true });
  await rm(join(stages, train, "manifest.json"));
  await mkdir(work, { recursive: true });
  await writeFile(join(work, "checkpoint.json"), '{"schemaVersion":1,"step":');
  expect(await failure()).toMatchObject({
    code: "checkpoint-corrupt",
    exitCode: 4,
    message: expect.stringContaining("checkpoint.json"),
  });
  await rm(work, { recursive: true });
  expect((await machine.run("run")).exitCode).toBe(0);
  const weights = "student/model.safetensors";
  expect(await readFile(join(stages, train, weights))).toEqual(
    await readFile(join(machine.folder, "expected", weights)),
  );
});

/** @file `grappa run` shows what it will cost, and asks before it spends. */
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { fakeMachine, type FakeMachine } from "./fake-cli.ts";

let machine: FakeMachine;
beforeEach(async () => {
  machine = await fakeMachine();
});
afterEach(() => rm(machine.folder, { recursive: true, force: true }));

async function recipe(price: number): Promise<void> {
  const teacher = {
    type: "openai-compatible",
    baseUrl: "http://127.0.0.1:9/v1",
    model: "m",
    price: { inputUsdPerMillion: price, outputUsdPerMillion: price },
  };
  const sources = [{ type: "family", family: "arithmetic", count: 50, difficulty: [1, 2] }];
  const whole = { name: "paid", student: { base: "demo-base" }, maxUsd: 5, collect: { sources }, trace: { teacher } };
  await writeFile(join(machine.folder, "recipe.json"), JSON.stringify(whole));
}

test("without a terminal a run that can spend is refused, and --yes lets it through", async () => {
  await recipe(1);
  const refused = await machine.run("run");
  expect(refused.exitCode).toBe(2);
  expect(refused.stderr).toContain("this run may spend $5.00, and there is no terminal to ask at");
  expect(refused.stderr).toContain("--yes");
  expect((await machine.run("run", "--yes")).exitCode).toBe(0);
});

test("at a terminal it shows the plan and takes y for yes, anything else for no", async () => {
  await recipe(1);
  machine.canAsk = true;
  machine.typed = ["no"];
  const declined = await machine.run("run");
  expect(declined.exitCode).toBe(130);
  expect(declined.stderr).toContain("spend up to $5.00? y or n");
  expect(declined.stderr).toContain("p90");
  machine.typed = ["y"];
  expect((await machine.run("run")).exitCode).toBe(0);
});

test("a run that is done, one that is free, and one with the built-in teacher are not asked about", async () => {
  await recipe(1);
  await machine.run("run", "--yes");
  expect((await machine.run("run")).exitCode).toBe(0);
  await recipe(0);
  const free = await machine.run("run", "--run", "free");
  expect([free.exitCode, free.stderr.includes("p90")]).toEqual([0, false]);
  expect((await machine.run("run", "demo")).exitCode).toBe(0);
});

test("--price beats the recipe's, in what is asked about too", async () => {
  await recipe(0);
  expect((await machine.run("run", "--price", "m=1/2")).exitCode).toBe(2);
});

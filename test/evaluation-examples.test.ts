/** @file The examples of docs/evaluation.md, run as they stand there. `npx vitest run -u` on this file writes their outputs. */
import { readFileSync } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { nodeServices } from "../src/cli/services.ts";
import { type FakeMachine, fakeMachine } from "./fake-cli.ts";
import { completion, type ScriptedServer, send, startScriptedServer } from "./teacher/scripted-server.ts";

const PAGE = resolve("docs/evaluation.md");
const SERVER = "http://localhost:8000/v1";

let machine: FakeMachine;
let adder: ScriptedServer;
beforeAll(async () => {
  machine = await fakeMachine(nodeServices);
  adder = await startScriptedServer((response, { body }) => {
    const [, a, b] = /(\d+) \+ (\d+)/.exec(body.messages[0]!.content) ?? [];
    const sum = Number(a) + Number(b);
    // It cannot carry past a hundred.
    send(response, completion(`${a} and ${b}`, `The answer is $\\boxed{${sum > 100 ? sum - 100 : sum}}$.`));
  });
});
afterAll(async () => {
  await adder.close();
  await rm(machine.folder, { recursive: true, force: true });
});

/** What `grappa` prints, through a filter of the one kind that the page uses: `| jq .a.b[0]`. */
async function outputOf(line: string): Promise<string> {
  const [command = "", filter] = line.split(" | ");
  const [npx, grappa, ...args] = command.replaceAll(SERVER, adder.baseUrl).split(" ");
  expect([npx, grappa]).toEqual(["npx", "grappa"]);
  const { stdout, stderr, exitCode } = await machine.run(...args);
  expect([exitCode, stderr]).toEqual([0, expect.not.stringContaining("error")]);
  if (filter === undefined) return stdout;
  const steps = filter.replace("jq ", "").match(/\w+/g) ?? [];
  const value = steps.reduce<unknown>((inner, step) => (inner as Record<string, unknown>)[step], JSON.parse(stdout));
  return JSON.stringify(value, null, 2);
}

test("the page's commands print what the page says", async () => {
  const parts = readFileSync(PAGE, "utf8").split(/(^```(?:console|jsonl \S+)\n[^]*?^```$)/m);
  const rebuilt: string[] = [];
  for (const part of parts) {
    const [, file, rows] = /^```jsonl (\S+)\n([^]*?)^```$/m.exec(part) ?? [];
    if (file !== undefined) await writeFile(join(machine.folder, file), rows ?? "");
    if (!part.startsWith("```console\n")) {
      rebuilt.push(part);
      continue;
    }
    const blocks: string[] = [];
    for (const [, line = ""] of part.matchAll(/^\$ (.*)$/gm))
      blocks.push(`$ ${line}\n${(await outputOf(line)).replace(/^\n+|\s+$/g, "").replace(/[ \t]+$/gm, "")}\n`);
    rebuilt.push(`\`\`\`console\n${blocks.join("\n")}\`\`\``);
  }
  await expect(rebuilt.join("")).toMatchFileSnapshot(PAGE);
}, 60_000);

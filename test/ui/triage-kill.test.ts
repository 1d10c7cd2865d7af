/** @file Killed at any moment, `grappa ui` loses no decision that it answered. */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { nodeFileSystem } from "../../src/adapters/file-system.ts";
import { readTriage } from "../../src/pipeline/triage-file.ts";
import { ask } from "./ask.ts";
import { traceId, writeTracedRun } from "./fake-traces.ts";

const folder = mkdtempSync(join(tmpdir(), "grappa-triage-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Decides on trace after trace until the server is killed; returns those that were answered. */
async function decideUntilKilled(first: number, answersBeforeKill: number): Promise<string[]> {
  const child = spawn(process.execPath, ["dist/cli/main.js", "ui", folder, "--port", "0", "--json"]);
  const exit = new Promise((resolve) => child.on("exit", resolve));
  const told = await new Promise<{ address: string; url: string }>((resolve) =>
    child.stdout.once("data", (data: Buffer) => resolve(JSON.parse(String(data)) as { address: string; url: string })),
  );
  const headers = { authorization: `Bearer ${told.address.split("#token=")[1]}`, origin: told.url };
  const answered: string[] = [];
  const write = async (worker: number): Promise<void> => {
    for (let place = first + worker; place < first + 1000; place += 4) {
      const body = JSON.stringify({ traceId: traceId(place), decision: "drop", note: `note ${place}` });
      const { status } = await ask(`${told.url}/api/runs/a-run/triage`, headers, "POST", body);
      expect(status).toBe(200);
      answered.push(traceId(place));
      if (answered.length === answersBeforeKill) child.kill("SIGKILL");
    }
  };
  // The kill ends the connections that wait for an answer.
  await Promise.allSettled([0, 1, 2, 3].map(write));
  await exit;
  return answered;
}

test("kill -9 in the middle of writing loses nothing that was answered, and the next server goes on", async () => {
  await writeTracedRun(join(folder, "a-run"), 2000);
  const answered = [...(await decideUntilKilled(0, 30)), ...(await decideUntilKilled(1000, 45))];
  expect(answered.length).toBeGreaterThanOrEqual(75);
  expect(answered.length).toBeLessThan(200);
  const found = await readTriage(nodeFileSystem(), join(folder, "a-run"));
  expect(
    answered.filter((id) => found.get(id)?.decision !== "drop" || !found.get(id)?.note.startsWith("note ")),
  ).toEqual([]);
});

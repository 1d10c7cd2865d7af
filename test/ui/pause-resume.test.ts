/** @file A real run, paused and resumed from the page's server: over sockets, with the server killed in between. */
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { processIdentity } from "../../src/adapters/process-table.ts";
import type { RunOverview } from "../../src/report/page/run-overview.ts";
import type { RunEventLine } from "../../src/schema/manifest.ts";
import { folderBytes } from "../folder-bytes.ts";
import { tinyRecipe, writeTinyStudent } from "../tiny-student.ts";
import { writeFakeRun } from "./fake-run.ts";
import { endRun, startUiProcess, type UiProcess } from "./ui-process.ts";

const GRAPPA = resolve("dist/cli/main.js");
/** Of a run that takes seconds on a machine that has other things to do. */
const WAIT_MS = 90_000;
/** A key as it stands in the server's environment. */
const SECRET = "sk-of-a-test-8e21";
const folder = mkdtempSync(join(tmpdir(), "grappa-pause-"));
const servers: UiProcess[] = [];

beforeAll(async () => {
  await writeTinyStudent(join(folder, "base"));
  const recipe = { ...tinyRecipe("base"), train: { epochs: 20, batchSize: 4, checkpointEverySteps: 20 } };
  writeFileSync(join(folder, "recipe.json"), JSON.stringify(recipe));
});
afterEach(async () => {
  for (const server of servers.splice(0)) await server.kill();
});
afterAll(() => {
  endRun(join(folder, "runs/paused"));
  rmSync(folder, { recursive: true, force: true });
});

const serve = async (): Promise<UiProcess> => {
  const server = await startUiProcess(join(folder, "runs"), { GRAPPA_THREADS: "1", SECRET_OF_A_TEST: SECRET });
  servers.push(server);
  return server;
};
const args = (name: string) => [GRAPPA, "run", "recipe.json", "--seed", "7", "--run", `runs/${name}`];

function eventsOf(name: string): RunEventLine[] {
  try {
    const lines = readFileSync(join(folder, "runs", name, "events.jsonl"), "utf8")
      .trimEnd()
      .split("\n");
    return lines.map((line) => JSON.parse(line) as RunEventLine);
  } catch {
    return [];
  }
}

async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  for (const end = performance.now() + WAIT_MS; performance.now() < end; await sleep(50)) if (await holds()) return;
  throw new Error(`waited in vain: ${what}`);
}

/** Starts a run as a user does in a terminal, and returns while it trains. */
async function startTraining(name: string): Promise<{ readonly ended: Promise<number | null> }> {
  const child = spawn(process.execPath, args(name), { cwd: folder, stdio: "ignore" });
  const ended = new Promise<number | null>((settle) => child.on("exit", settle));
  await until("training", () => eventsOf(name).some(({ type, stage }) => type === "stage-start" && stage === "train"));
  return { ended };
}

// Elsewhere nobody tells when a process began, and none is paused.
test.skipIf(process.platform !== "linux")(
  "paused in training, resumed, the server killed: the run ends with the bytes of one that nobody touched",
  async () => {
    const whole = spawnSync(process.execPath, args("whole"), { cwd: folder, encoding: "utf8" });
    expect(whole.status, whole.stderr).toBe(0);
    const { ended } = await startTraining("paused");
    const first = await serve();
    const overview = await first.get<RunOverview>("/runs/paused");
    expect(overview).toMatchObject({ state: "running", control: { can: "pause" } });
    const paused = await first.post("/runs/paused/pause");
    expect([paused.status, paused.json()]).toEqual([200, { pid: overview.pid }]);
    // Once more would end it at once, without a word in its journal.
    // On a quick machine it has ended before it is asked.
    expect([200, 400]).toContain((await first.post("/runs/paused/pause")).status);
    expect(await ended).toBe(130);
    expect(eventsOf("paused").at(-1)).toMatchObject({
      type: "stage-fail",
      stage: "train",
      note: expect.stringMatching(/^interrupted/) as string,
    });
    expect(await first.get<RunOverview>("/runs/paused")).toMatchObject({
      state: "stopped",
      control: { can: "resume" },
    });

    const before = eventsOf("paused").length;
    const [resumed, twice] = await Promise.all([first.post("/runs/paused/resume"), first.post("/runs/paused/resume")]);
    expect([resumed.status, twice.status]).toEqual([200, 200]);
    expect(twice.json()).toEqual(resumed.json());
    const { pid } = resumed.json() as { pid: number };
    expect(eventsOf("paused")[before]?.type).toBe("run-start");
    expect(await first.get<RunOverview>("/runs/paused")).toMatchObject({ state: "running", pid });
    // Ctrl-C in the server's terminal goes to the group of its process: the run is in a group and a session of its own.
    const [, , group, session] = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
    expect([group, session]).toEqual([String(pid), String(pid)]);
    expect(readFileSync(`/proc/${pid}/environ`, "utf8")).toContain(SECRET);
    expect(JSON.stringify([resumed.json(), await first.get("/runs/paused"), await first.get("/runs")])).not.toContain(
      SECRET,
    );
    await first.kill();

    const second = await serve();
    // The report stands a moment after the run's own end.
    await until("the end", async () => (await second.get<RunOverview>("/runs/paused")).score !== null);
    const end = await second.get<RunOverview>("/runs/paused");
    expect(end).toMatchObject({ state: "finished", control: { can: null }, problem: null });
    expect(readFileSync(join(folder, "runs/paused/resume.log"), "utf8")).not.toContain(SECRET);
    expect(end.command).toContain("--seed 7");
    expect(eventsOf("paused").filter(({ type }) => type === "run-start")).toHaveLength(2);
    expect(folderBytes(join(folder, "runs/paused/stages"))).toEqual(folderBytes(join(folder, "runs/whole/stages")));
    expect((await second.post("/runs/paused/resume")).json()).toMatchObject({
      error: { code: "usage", message: "this run is finished" },
    });
  },
  3 * WAIT_MS,
);

test("what a resumed run fails with before it begins is answered, and stays on the page", async () => {
  writeFakeRun(join(folder, "runs/broken"));
  writeFileSync(join(folder, "runs/broken/recipe.resolved.json"), JSON.stringify({ ...tinyRecipe("../../gone") }));
  const server = await serve();
  const reply = await server.post("/runs/broken/resume");
  expect(reply.status).toBe(400);
  const { error } = reply.json() as { error: { message: string; hint: string } };
  expect(error.message).toMatch(/gone/);
  expect(error.hint).toContain("resume.log");
  const overview = await server.get<RunOverview>("/runs/broken");
  expect(overview).toMatchObject({ state: "stopped", control: { can: "resume" } });
  expect(overview.problem).toBe(error.message);
});

test.skipIf(process.platform !== "linux")(
  "a lock that names a process which may be another one interrupts nobody",
  async () => {
    writeFakeRun(join(folder, "runs/foreign"));
    const bystander = spawn(process.execPath, ["-e", "setInterval(() => 0, 1000)"], { stdio: "ignore" });
    const lives = (): boolean => bystander.exitCode === null && bystander.signalCode === null;
    try {
      const identity = processIdentity(bystander.pid!);
      const server = await serve();
      const ui = processIdentity(server.child.pid!);
      for (const [lock, message] of [
        [{ ...identity, birth: `${identity.birth}9` }, "no process works on this run"],
        [{ ...identity, birth: "" }, "cannot be told from a later one with its number"],
        [{ ...identity, host: "elsewhere.example" }, "works on another machine"],
        [{ ...identity, pid: 1 }, "no process works on this run"],
        [ui, "cannot be told"],
      ] as const) {
        writeFileSync(join(folder, "runs/foreign/lock.json"), JSON.stringify(lock));
        const reply = await server.post("/runs/foreign/pause");
        expect(reply.status).toBe(400);
        expect((reply.json() as { error: { message: string } }).error.message).toContain(message);
      }
      await sleep(200);
      expect(lives()).toBe(true);
      // And the very process that the lock means is.
      writeFileSync(join(folder, "runs/foreign/lock.json"), JSON.stringify(identity));
      expect((await server.post("/runs/foreign/pause")).status).toBe(200);
      await until("interrupted", () => !lives());
      expect(bystander.signalCode).toBe("SIGINT");
    } finally {
      bystander.kill("SIGKILL");
    }
  },
);

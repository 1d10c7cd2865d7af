/** @file `grappa evaluate` as a process of its own, killed with SIGKILL and begun again, against an endpoint that counts. */
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { prng } from "../src/core/prng.ts";
import type { EvaluationSample } from "../src/schema/evaluation.ts";
import { completion, type ScriptedServer, send, startScriptedServer } from "./teacher/scripted-server.ts";
import { writeTinyStudent } from "./tiny-student.ts";

const QUESTIONS = 60;
const RIGHT = 40 / QUESTIONS;
const CONCURRENCY = 4;
const KILLS = 3;

let folder: string;
let server: ScriptedServer;
let onRequest: () => void = () => undefined;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "grappa-kill-evaluation-"));
  const rows = Array.from({ length: QUESTIONS }, (_, n) => ({
    problem: `What is ${n} + ${n}?`,
    answer: String(2 * n),
  }));
  writeFileSync(join(folder, "sums.jsonl"), rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
  await writeTinyStudent(join(folder, "tiny"));
  server = await startScriptedServer(async (response, { body }) => {
    onRequest();
    const n = Number(/What is (\d+)/.exec(body.messages[0]!.content)?.[1]);
    await sleep(5 + (n % 7));
    // Every third answer is wrong.
    send(response, completion(`${n} twice`, `Twice that is \\boxed{${n % 3 === 0 ? n + 1 : 2 * n}}.`));
  });
});
afterAll(async () => {
  await server.close();
  rmSync(folder, { recursive: true, force: true });
});

interface Ended {
  readonly stdout: string;
  readonly stderr: string;
  readonly signal: NodeJS.Signals | null;
}

/** Runs the real program; `watch` is given what kills it. */
async function grappa(args: readonly string[], watch: (kill: () => void) => void = () => undefined): Promise<Ended> {
  const child = spawn(process.execPath, [resolve("dist/cli/main.js"), ...args], { cwd: folder });
  const output = { stdout: "", stderr: "" };
  child.stdout.on("data", (chunk: Buffer) => (output.stdout += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (output.stderr += chunk.toString()));
  watch(() => child.kill("SIGKILL"));
  return await new Promise((done) => child.on("close", (_code, signal) => done({ ...output, signal })));
}

/** Whole lines of a log; what a kill cut off is none. */
function lines(evaluation: string, name = "samples.jsonl"): string[] {
  try {
    return readFileSync(join(folder, evaluation, name), "utf8")
      .split("\n")
      .slice(0, -1);
  } catch {
    return []; // killed before it began
  }
}

const idsOf = (logged: readonly string[]): string[] =>
  logged.map((line) => {
    const { questionId, sampleIndex, setting } = JSON.parse(line) as EvaluationSample;
    return JSON.stringify([questionId, sampleIndex, setting]);
  });

const summaryOf = (evaluation: string): string => readFileSync(join(folder, evaluation, "summary.json"), "utf8");

describe("against an endpoint", () => {
  const command = (out: string): string[] =>
    `evaluate --task aime24 --data sums.jsonl --endpoint ${server.baseUrl} --model m --input-price 1 --output-price 1 --max-usd 1 --max-tokens 100 --concurrency ${CONCURRENCY} --out ${out} --json`.split(
      " ",
    );

  it("buys nothing twice but what was in flight, repeats no finished sample, and ends with the same summary", async () => {
    const whole = await grappa(command("whole"));
    expect(whole.stderr).not.toContain("error");
    expect(server.requests).toHaveLength(QUESTIONS);
    server.requests.length = 0;

    const random = prng("kill-evaluation");
    let logged: string[] = [];
    for (let kill = 0; kill < KILLS; kill++) {
      const killAt = server.requests.length + random.int(4, Math.floor(QUESTIONS / (KILLS + 1)));
      const { signal } = await grappa(command("killed"), (shoot) => {
        onRequest = () => server.requests.length >= killAt && shoot();
      });
      expect(signal).toBe("SIGKILL");
      const now = lines("killed");
      expect(now.slice(0, logged.length)).toEqual(logged);
      logged = now;
    }
    onRequest = () => undefined;
    const last = await grappa(command("killed"));
    expect(last.signal).toBeNull();
    const ended = lines("killed");
    expect(ended.slice(0, logged.length)).toEqual(logged);
    expect(new Set(idsOf(ended)).size).toBe(QUESTIONS);
    expect(ended).toHaveLength(QUESTIONS);
    expect(server.requests.length - QUESTIONS).toBeLessThanOrEqual(KILLS * CONCURRENCY);
    expect(summaryOf("killed")).toBe(summaryOf("whole"));
    expect(JSON.parse(last.stdout)).toMatchObject({ summary: { settings: [{ accuracy: { value: RIGHT } }] } });
  });

  it("asks nothing when it is finished, and shows the same result", async () => {
    const before = server.requests.length;
    const log = lines("whole");
    const { stdout } = await grappa(command("whole"));
    expect(JSON.parse(stdout)).toMatchObject({ summary: { settings: [{ accuracy: { value: RIGHT } }] } });
    expect(server.requests).toHaveLength(before);
    expect(lines("whole")).toEqual(log);
  });

  it("rescores without the model: no request, the log untouched, and every changed verdict told", async () => {
    const before = server.requests.length;
    const unchanged = JSON.parse((await grappa(["rescore", "whole", "--json"])).stdout) as object;
    expect(unchanged).toMatchObject({ samples: QUESTIONS, changed: 0, examples: [], scores: "scores-1.jsonl" });
    // An older grader that missed the box: two right answers of the log are called wrong.
    const older = lines("whole").map((line) => JSON.parse(line) as EvaluationSample);
    const right = older.filter(({ verdict }) => verdict.outcome === "correct").slice(0, 2);
    for (const { verdict } of right) Object.assign(verdict, { outcome: "no_answer", extracted: null });
    const text = older.map((sample) => `${JSON.stringify(sample)}\n`).join("");
    rmSync(join(folder, "whole/scores-1.jsonl"));
    writeFileSync(join(folder, "whole/samples.jsonl"), text);
    const changed = JSON.parse((await grappa(["rescore", "whole", "--json"])).stdout) as object;
    expect(changed).toMatchObject({
      samples: QUESTIONS,
      changed: 2,
      moves: [{ from: "no_answer", to: "correct", count: 2 }],
      summary: { settings: [{ accuracy: { value: RIGHT } }] },
    });
    expect(readFileSync(join(folder, "whole/samples.jsonl"), "utf8")).toBe(text);
    expect(server.requests).toHaveLength(before);
  });

  it("does not rescore with other data", async () => {
    writeFileSync(join(folder, "other.jsonl"), '{"problem": "What is 1 + 1?", "answer": "2"}\n');
    const { stdout } = await grappa(["rescore", "whole", "--data", "other.jsonl", "--json"]);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: expect.stringMatching(/file-corrupt|record-invalid/) } });
  });
});

describe("with the embedded student", () => {
  const command = (out: string): string[] =>
    `evaluate tiny --task arithmetic --limit 40 --budgets 16,auto --waits 0,1 --direct --threads 1 --out ${out} --json`.split(
      " ",
    );

  it("repeats no finished sample and says the same as without a kill", async () => {
    const whole = await grappa(command("student-whole"));
    expect(whole.stderr).not.toContain("error");
    const random = prng("kill-student");
    let logged: string[] = [];
    for (let kill = 0; kill < KILLS; kill++) {
      const killAt = logged.length + random.int(2, 12);
      let watching: NodeJS.Timeout | undefined;
      const { signal } = await grappa(command("student-killed"), (shoot) => {
        watching = setInterval(() => lines("student-killed").length >= killAt && shoot(), 2);
      });
      clearInterval(watching);
      expect(signal).toBe("SIGKILL");
      const now = lines("student-killed");
      expect(now.slice(0, logged.length)).toEqual(logged);
      logged = now;
    }
    expect((await grappa(command("student-killed"))).signal).toBeNull();
    const ended = lines("student-killed");
    expect(ended).toHaveLength(160);
    expect([...ended].sort()).toEqual(lines("student-whole").sort());
    expect(summaryOf("student-killed")).toBe(summaryOf("student-whole"));
  });
});

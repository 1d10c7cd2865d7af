/** @file The program of a generate job against a server: whole, cut off in the middle, and gone on with. */
import { spawnSync } from "node:child_process";
import { appendFileSync, cpSync, mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { type ProgramEvent, runGenerateProgram } from "../../src/adapters/runtimes/generate-program.ts";
import { decodeRows } from "../../src/decode/generate.ts";
import { generationsOf, ReplyBook, rowOf } from "../../src/decode/generate-replies.ts";
import type { Generation } from "../../src/decode/row.ts";
import type { TokenSource } from "../../src/decode/token-source.ts";
import { GenerateReply } from "../../src/schema/generate-job.ts";
import { type FakeCompletions, hashedToken, startFakeCompletions } from "./fake-completions.ts";
import { smallDelimiters, smallJob, smallPrompts, smallSettings, writeJobFolder } from "./generate-job-folder.ts";

const opened: FakeCompletions[] = [];
afterEach(async () => {
  for (const each of opened.splice(0)) await each.close();
});

async function start(...args: Parameters<typeof startFakeCompletions>): Promise<FakeCompletions> {
  const server = await startFakeCompletions(...args);
  opened.push(server);
  return server;
}

const job = smallJob();
const prompts = smallPrompts(9);

async function plainly(): Promise<(readonly Generation[])[]> {
  const held: number[] = [];
  const source: TokenSource = {
    slots: 1,
    contextTokens: job.contextTokens,
    truncate: (_, length) => void (held.length = length),
    extend: async (rows) =>
      Int32Array.from(rows, ({ ids, forbidden }) => {
        held.push(...ids);
        return hashedToken(held, forbidden);
      }),
  };
  return await decodeRows(
    source,
    prompts.map((prompt) => rowOf(prompt, job)),
    { delimiters: smallDelimiters },
  );
}

function repliesOf(jobFile: string): GenerateReply[] {
  const lines = readFileSync(join(dirname(jobFile), "out", "replies.jsonl"), "utf8").split("\n");
  return lines.slice(0, -1).map((line) => GenerateReply.parse(JSON.parse(line)));
}

function generationsIn(jobFile: string): (readonly Generation[])[] {
  const book = new ReplyBook();
  for (const reply of repliesOf(jobFile)) book.add(reply);
  return prompts.map((prompt) => generationsOf(prompt, job, book.of(prompt)));
}

const run = (jobFile: string, server: FakeCompletions, more: object = {}): Promise<number> =>
  runGenerateProgram({
    jobFile,
    outFolder: join(dirname(jobFile), "out"),
    model: "student",
    baseUrl: server.baseUrl,
    signal: new AbortController().signal,
    tell: () => undefined,
    ...more,
  });

describe("the program of a generate job", () => {
  it("appends replies that are, by the machine here, what the plain decoder gives", async () => {
    const jobFile = writeJobFolder(job, prompts);
    const events: ProgramEvent[] = [];
    const given = await run(jobFile, await start(), { tell: (event: ProgramEvent) => events.push(event) });
    expect(given).toBe(prompts.length * smallSettings.length);
    expect(generationsIn(jobFile)).toEqual(await plainly());
    expect(events.at(-1)).toMatchObject({ type: "progress", done: given, total: given });
    // Caps of one prompt share their thinking on the disk too.
    expect(repliesOf(jobFile).some(({ shared }) => shared !== null)).toBe(true);
  });

  it("goes on after a stop, asking for nothing twice, past a line that was cut off", async () => {
    const jobFile = writeJobFolder(job, prompts);
    const stop = new AbortController();
    const first = await start(undefined, (index) => {
      if (index === 30) stop.abort(new Error("stop"));
      return false;
    });
    await expect(run(jobFile, first, { signal: stop.signal })).rejects.toMatchObject({ code: "interrupted" });
    const kept = repliesOf(jobFile);
    expect(kept.length).toBeGreaterThan(3);
    expect(kept.length).toBeLessThan(prompts.length * smallSettings.length);
    appendFileSync(join(dirname(jobFile), "out", "replies.jsonl"), '{"schemaVersion":1,"mod');
    const second = await start();
    expect(await run(jobFile, second)).toBe(prompts.length * smallSettings.length - kept.length);
    expect(repliesOf(jobFile).slice(0, kept.length)).toEqual(kept);
    expect(generationsIn(jobFile)).toEqual(await plainly());
    const third = await start();
    expect(await run(jobFile, third)).toBe(0);
    expect(third.bodies).toEqual([]);
  });

  it("runs from its bundle alone", async () => {
    const jobFile = writeJobFolder(job, prompts.slice(0, 2));
    const alone = join(mkdtempSync(join(tmpdir(), "grappa-bundle-")), "generate.mjs");
    cpSync("dist/generate/generate.mjs", alone);
    // A process of its own cannot reach a server in this one while it is waited for.
    const args = ["--job", jobFile, "--out", join(dirname(jobFile), "out"), "--server", "http://127.0.0.1:9/v1"];
    const done = spawnSync(process.execPath, [alone, ...args, "--seconds", "1"], { encoding: "utf8", timeout: 60_000 });
    expect({ status: done.status, stderr: done.stderr }).toEqual({ status: 3, stderr: "" });
  });
});

describe("replies", () => {
  const [prompt] = prompts;
  const reply = (place: number, shared: GenerateReply["shared"], chosen: number[]): GenerateReply => ({
    schemaVersion: 1,
    model: "student",
    key: "q0",
    place,
    shared,
    chosen,
  });

  it("are refused where they are missing, too short, too long, or no ids of ours", () => {
    const capped = [11, 1, 9, 2];
    const whole = (longest: number[]) =>
      new Map<number, number[]>([
        [0, longest],
        [1, capped],
        [2, capped],
        [3, capped],
        [4, [9, 2]],
      ]);
    const good = [11, 1, 12, 1, 13, 1, 9, 2];
    expect(generationsOf(prompt!, job, whole(good))).toHaveLength(5);
    for (const bad of [good.slice(0, -1), [...good, 4], [24, ...good]]) {
      expect(() => generationsOf(prompt!, job, whole(bad))).toThrow(expect.objectContaining({ code: "file-corrupt" }));
    }
    expect(() => generationsOf(prompt!, job, new Map())).toThrow(/missing/);
  });

  it("are left out where what they continue is not there", () => {
    const book = new ReplyBook();
    expect(book.add(reply(1, { place: 0, tokens: 2 }, [4]))).toBe(false);
    expect(book.add(reply(0, null, [7, 8, 9]))).toBe(true);
    expect(book.add(reply(1, { place: 0, tokens: 2 }, [4]))).toBe(true);
    expect(book.add(reply(2, { place: 1, tokens: 9 }, [4]))).toBe(false);
    expect([...book.of(prompt!)]).toEqual([
      [0, [7, 8, 9]],
      [1, [7, 8, 4]],
    ]);
    expect(book.line(prompt!, 2, [7, 8, 4, 5])).toEqual(reply(2, { place: 1, tokens: 3 }, [5]));
  });
});

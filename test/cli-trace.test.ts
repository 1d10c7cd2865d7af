/** @file `grappa trace` as a user calls it, against a server behind a real socket. */
import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { readJsonl } from "../src/adapters/store/jsonl.ts";
import { Question, Trace, TraceFailure } from "../src/schema/records.ts";
import { fakeMachine, type FakeMachine } from "./fake-cli.ts";
import { completion, type Script, type ScriptedServer, send, startScriptedServer } from "./teacher/scripted-server.ts";

const KEY = "sk-test-0123456789abcdef-never-shown";

let machine: FakeMachine;
let server: ScriptedServer;
let script: Script;

beforeEach(async () => {
  machine = await fakeMachine();
  machine.secrets.TEACHER_KEY = KEY;
  script = (response, { body }) => send(response, completion(`about ${body.messages.at(-1)?.content}`, "42"));
  server = await startScriptedServer((response, request) => script(response, request));
});
afterEach(async () => {
  await server.close();
  await rm(machine.folder, { recursive: true, force: true });
});

async function questions(count: number, order: "up" | "down" = "up"): Promise<void> {
  const rows = Array.from({ length: count }, (_, i) => JSON.stringify({ question: `what is ${i} plus ${i}?` }));
  await writeFile(join(machine.folder, "q.jsonl"), `${(order === "up" ? rows : rows.reverse()).join("\n")}\n`);
}

/** The command with some of its flags changed; an empty text leaves a flag out. */
const traceWith = (changed: Readonly<Record<string, string>>, ...more: string[]) => {
  const given = { teacher: server.baseUrl, model: "m", questions: "q.jsonl", out: "out", "key-env": "TEACHER_KEY" };
  const flags = { ...given, price: "1/2", "max-usd": "100", "max-tokens": "1000", ...changed };
  const words = Object.entries(flags).flatMap(([name, value]) => (value === "" ? [] : [`--${name}`, value]));
  return machine.run("trace", ...words, "--json", ...more);
};
const trace = (...more: string[]) => traceWith({}, ...more);

const rows = async <T>(file: string, schema: Parameters<typeof readJsonl<T>>[1]): Promise<T[]> => {
  const found: T[] = [];
  for await (const row of readJsonl(join(machine.folder, "out", file), schema)) found.push(row);
  return found;
};

/** All text below a folder. */
async function everything(folder: string): Promise<string> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  return (await Promise.all(files.map((entry) => readFile(join(entry.parentPath, entry.name), "utf8")))).join("\n");
}

describe("grappa trace", () => {
  test("asks every question once, and writes a trace for each with what it is and cost", async () => {
    await questions(20);
    const { stdout, exitCode } = await trace();
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toEqual({
      folder: "out",
      questions: 20,
      traces: 20,
      failed: 0,
      reasons: {},
      badRows: 0,
      fromJournal: 0,
      spentUsd: (20 * (10 * 1 + 20 * 2)) / 1e6,
    });
    const traces = await rows("traces.jsonl", Trace);
    expect(new Set(traces.map(({ questionId }) => questionId)).size).toBe(20);
    expect(traces[0]).toMatchObject({ provenance: "raw", answer: "42", costMicroUsd: 50, model: "m" });
    expect(server.requests).toHaveLength(20);
  });

  test("buys one reply for one more row, and none for another order, URL or key", async () => {
    await questions(1000);
    await trace();
    expect(server.requests).toHaveLength(1000);
    await questions(1001);
    expect(JSON.parse((await trace()).stdout)).toMatchObject({ traces: 1001, fromJournal: 1000 });
    expect(server.requests).toHaveLength(1001);
    await questions(1001, "down");
    await trace();
    expect(server.requests).toHaveLength(1001);
    const elsewhere = await startScriptedServer((response) => send(response, completion("never", "asked")));
    machine.secrets.TEACHER_KEY = `${KEY}-2`;
    const again = await traceWith({ teacher: elsewhere.baseUrl, "max-tokens": "2000" });
    expect(JSON.parse(again.stdout)).toMatchObject({ traces: 1001, fromJournal: 1001 });
    expect(elsewhere.requests).toHaveLength(0);
    await elsewhere.close();
  });

  test("another system prompt asks everything anew", async () => {
    await questions(5);
    await trace();
    await trace("--system", "Think in French.");
    expect(server.requests).toHaveLength(10);
    expect(server.requests.at(-1)?.body.messages[0]).toEqual({ role: "system", content: "Think in French." });
  });

  test("no file and no output ever holds the key, though the server echoes it", async () => {
    await questions(3);
    script = (response, { index, headers }) =>
      index === 0
        ? send(response, `{"error":{"message":"bad ${headers.authorization}"}}`, 400)
        : send(response, completion(`your key is ${headers.authorization}`, "42"));
    const { stdout, stderr } = await trace();
    expect(server.requests[0]?.headers.authorization).toBe(`Bearer ${KEY}`);
    expect(JSON.parse(stdout)).toMatchObject({ traces: 2, failed: 1 });
    expect(`${stdout}\n${stderr}\n${await everything(machine.folder)}`).not.toContain(KEY);
  });

  test("what is refused for good is listed, and asked again with --retry-failed alone", async () => {
    await questions(4);
    script = (response, { body }) =>
      body.messages[0]?.content.includes("2 plus 2")
        ? send(response, '{"error":{"message":"not this one"}}', 400)
        : send(response, completion("hm", "42"));
    expect(JSON.parse((await trace()).stdout)).toMatchObject({ traces: 3, reasons: { "provider-permanent": 1 } });
    expect((await rows("failed.jsonl", TraceFailure))[0]?.detail).toContain("not this one");
    const seen = server.requests.length;
    await trace();
    expect(server.requests).toHaveLength(seen);
    script = (response) => send(response, completion("hm", "42"));
    expect(JSON.parse((await trace("--retry-failed")).stdout)).toMatchObject({ traces: 4, failed: 0 });
    expect(server.requests).toHaveLength(seen + 1);
  });

  test("a reply that the limit cut is kept and listed, and bought anew under a larger limit only when told", async () => {
    await questions(5);
    script = (response, { body }) => {
      const choice = {
        index: 0,
        finish_reason: "length",
        message: { role: "assistant", reasoning_content: "so", content: "" },
      };
      const usage = { prompt_tokens: 10, completion_tokens: 1000 };
      if (body.max_tokens === 1000) send(response, JSON.stringify({ choices: [choice], usage }));
      else send(response, completion("so it is", "42"));
    };
    expect(JSON.parse((await trace()).stdout)).toMatchObject({ traces: 0, reasons: { truncated: 5 } });
    expect(server.requests).toHaveLength(5);
    const larger = { "max-tokens": "4000" };
    expect(JSON.parse((await traceWith(larger)).stdout)).toMatchObject({ failed: 5 });
    expect(server.requests).toHaveLength(5);
    const retried = await traceWith(larger, "--retry-failed");
    expect(JSON.parse(retried.stdout)).toMatchObject({ traces: 5, failed: 0 });
    expect(server.requests).toHaveLength(10);
  });

  test("Ctrl-C keeps what is bought, and the same command goes on", async () => {
    await questions(30);
    script = async (response, { index }) => {
      if (index === 10) machine.interrupt();
      if (index < 10) send(response, completion("hm", "42"));
    };
    const stopped = await trace("--concurrency", "2");
    expect(stopped.exitCode).toBe(130);
    const { error } = JSON.parse(stopped.stdout);
    const held = (await rows("traces.jsonl", Trace)).length;
    expect(held).toBeGreaterThanOrEqual(9);
    expect(error).toMatchObject({ code: "interrupted", data: { isComplete: false, traces: held, failed: 0 } });
    expect(error.hint).toMatch(/what is bought is kept/);
    expect(stopped.stderr).toContain(`traces.jsonl is incomplete: it holds ${held} so far`);
    expect(await rows("questions.jsonl", Question)).toHaveLength(30);
    script = (response) => send(response, completion("hm", "42"));
    const done = JSON.parse((await trace()).stdout);
    expect(done.traces).toBe(30);
    expect(await rows("traces.jsonl", Trace)).toHaveLength(30);
    expect(done.fromJournal).toBeGreaterThanOrEqual(9);
  });

  test("what stops it before anything came leaves the files as they were", async () => {
    await questions(3);
    await trace();
    script = () => machine.interrupt();
    const { stdout, exitCode } = await trace("--system", "Think in French.");
    expect([exitCode, JSON.parse(stdout).error.data]).toEqual([130, {}]);
    expect(await rows("traces.jsonl", Trace)).toHaveLength(3);
    expect((await readdir(join(machine.folder, "out"))).filter((name) => name.endsWith(".tmp"))).toEqual([]);
  });

  test("a teacher that fails in the middle leaves the traces and the failures that came", async () => {
    await questions(10);
    script = (response, { index }) => {
      if (index < 3) send(response, completion("hm", "42"));
      else if (index === 3) send(response, '{"error":{"message":"not this one"}}', 400);
      else send(response, '{"error":{"message":"no credit"}}', 402);
    };
    const { stdout } = await trace("--concurrency", "1");
    expect(JSON.parse(stdout).error).toMatchObject({
      code: "provider-permanent",
      data: { isComplete: false, traces: 3, failed: 1 },
    });
    expect(await rows("traces.jsonl", Trace)).toHaveLength(3);
    expect((await rows("failed.jsonl", TraceFailure)).map(({ reason }) => reason)).toEqual(["provider-permanent"]);
  });

  test("a folder in use is refused, and so is a folder of somebody else's", async () => {
    await questions(2);
    await trace();
    await writeFile(join(machine.folder, "out", "lock.json"), JSON.stringify({ pid: 99, host: "here", birth: "" }));
    const busy = await trace();
    expect([busy.exitCode, JSON.parse(busy.stdout).error.code]).toEqual([6, "run-locked"]);
    await rm(join(machine.folder, "out"), { recursive: true });
    const foreign = await traceWith({ out: "." });
    expect(foreign.stderr).toContain("not a folder of grappa trace");
  });

  test("a folder of another model's traces is refused, and left as it is", async () => {
    await questions(2);
    await trace();
    const { stdout } = await traceWith({ model: "other" });
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: "file-denied", data: { model: "m" } } });
    expect(await rows("traces.jsonl", Trace)).toHaveLength(2);
  });

  test("the cap holds, and raising it goes on", async () => {
    await questions(10);
    const worst = { price: "0/1000", concurrency: "4" }; // a reply holds $1 and costs $0.02
    const capped = await traceWith({ ...worst, "max-usd": "1.05" });
    expect([capped.exitCode, JSON.parse(capped.stdout).error.code]).toEqual([7, "budget-exceeded"]);
    expect(server.requests).toHaveLength(3);
    expect(await rows("traces.jsonl", Trace)).toHaveLength(3);
    const raised = await traceWith({ ...worst, "max-usd": "5" });
    expect(JSON.parse(raised.stdout)).toMatchObject({ traces: 10, fromJournal: 3, spentUsd: 0.2 });
    expect(server.requests).toHaveLength(10);
  });

  test("an answer without any thinking is no trace", async () => {
    await questions(2);
    script = (response) => send(response, completion("", "42"));
    expect(JSON.parse((await trace()).stdout)).toMatchObject({ traces: 0, reasons: { "no-thinking": 2 } });
  });

  test("rows that are no question are told of, and cost the others nothing", async () => {
    await writeFile(
      join(machine.folder, "q.jsonl"),
      '{"question":"one?"}\nnot json\n{"question":""}\n{"question":"two?"}\n',
    );
    const { stdout, stderr } = await trace();
    expect(JSON.parse(stdout)).toMatchObject({ questions: 2, traces: 2, badRows: 2 });
    expect(stderr).toContain("q.jsonl, row 2");
  });

  test("several obstacles are all said, before anything is asked", async () => {
    await questions(1);
    machine.secrets.TEACHER_KEY = "";
    const stranger = { teacher: "https://api.example.org/v1", price: "", "max-usd": "", "max-tokens": "" };
    const { stdout, exitCode } = await traceWith(stranger);
    const { error } = JSON.parse(stdout);
    expect(exitCode).toBe(2);
    expect(error.message).toContain("3 things stand in the way");
    expect(error.message).toContain("--accept-terms api.example.org");
    expect(error.message).toContain("TEACHER_KEY is not set");
    expect(error.message).toContain("price");
    expect(await readdir(machine.folder)).toEqual(["q.jsonl"]);
  });

  test("a provider's summaries are refused unless they are allowed", async () => {
    await questions(1);
    machine.secrets.GEMINI_API_KEY = KEY;
    const gemini = [
      "trace",
      "--type",
      "gemini",
      "--model",
      "gemini-2.5-flash",
      "--questions",
      "q.jsonl",
      "--out",
      "out",
    ];
    const { stderr, exitCode } = await machine.run(...gemini, "--max-usd", "1", "--accept-terms", "gemini");
    expect(exitCode).toBe(3);
    expect(stderr).toContain("only summaries");
  });
});

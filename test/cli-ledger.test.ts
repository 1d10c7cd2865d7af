import { appendFile, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type PaidReply, RequestJournal } from "../src/adapters/journal/request-journal.ts";
import { ShardLog } from "../src/adapters/teacher/batch/shard-log.ts";
import { type FakeMachine, fakeMachine } from "./fake-cli.ts";

const usage = { promptTokens: 100, completionTokens: 2_000, reasoningTokens: 1_500, isEstimated: false };
const reply: PaidReply = {
  maxTokens: 4_000,
  thinking: "t",
  answer: "2",
  provenance: "raw",
  finishReason: "stop",
  usage,
  costMicroUsd: 10_000,
};
const small = { account: "attempt", provider: "luna", model: "gpt-6-luna" } as const;
const large = { account: "trace", provider: "deepseek", model: "deepseek-v4-pro" } as const;

let machine: FakeMachine;
let folder: string;
let keys: number;
beforeEach(async () => {
  machine = await fakeMachine();
  folder = join(machine.folder, "runs/sums-0");
  keys = 0;
  await mkdir(join(folder, "journal"), { recursive: true });
  await writeJson("run.json", { schemaVersion: 1, run: "sums-0", createdBy: "0", command: "grappa run sums" });
  await writeJson("recipe.resolved.json", {
    schemaVersion: 1,
    name: "sums",
    student: { base: "demo-base" },
    maxUsd: 0.5,
    collect: { sources: [{ type: "family", family: "arithmetic", count: 10, difficulty: [2, 3] }] },
    trace: { teacher: { type: "builtin" } },
  });
});
afterEach(() => rm(machine.folder, { recursive: true, force: true }));

const writeJson = (name: string, value: unknown): Promise<void> => writeFile(join(folder, name), JSON.stringify(value));
const nextKey = (): string => (++keys).toString(16).padStart(16, "0");
const journalPath = (): string => join(folder, "journal/requests.jsonl");

/** Twelve requests: seven whole replies, one cut, one useless, one refused, two lost in a crash. */
async function writeJournal(): Promise<void> {
  const journal = await RequestJournal.open(journalPath());
  const intend = (who: typeof small | typeof large, worstCaseMicroUsd: number) =>
    journal.intend({ key: nextKey(), worstCaseMicroUsd, questionId: `q${keys}`, ...who });
  for (let i = 0; i < 4; i++) await journal.reply(await intend(small, 2_000), { ...reply, costMicroUsd: 1_100 });
  for (let i = 0; i < 3; i++) await journal.reply(await intend(large, 40_000), reply);
  await journal.reply(await intend(large, 40_000), {
    ...reply,
    finishReason: "length",
    costMicroUsd: 30_000,
    usage: { ...usage, completionTokens: 4_000, isEstimated: true },
  });
  await journal.malformed(await intend(large, 40_000), { detail: "not JSON", usage: null, costMicroUsd: 40_000 });
  await journal.unpaid(await intend(large, 40_000), "503");
  await intend(large, 40_000);
  await intend(large, 20_001);
  await journal.close();
}

/** Grades of a finished grade stage: so many right, one wrong. */
async function writeGrades(right: number): Promise<void> {
  const path = "stages/grade-0123456789abcdef";
  await mkdir(join(folder, path), { recursive: true });
  const lines = Array.from({ length: right + 1 }, (_, i) => {
    const grade = { outcome: i < right ? "correct" : "incorrect", extracted: "2", rule: "last" };
    const id = i.toString(16).padStart(16, "0");
    return `${JSON.stringify({ schemaVersion: 1, traceId: id, questionId: id, grade })}\n`;
  });
  await writeFile(join(folder, path, "grades.jsonl"), lines.join(""));
  await writeJson(`${path}/manifest.json`, {
    schemaVersion: 1,
    stage: "grade",
    key: "0123456789abcdef",
    codeVersion: 1,
    config: {},
    facts: {},
    inputs: {},
    files: [{ path: "grades.jsonl", bytes: lines.join("").length, sha256: "0".repeat(64), rows: lines.length }],
    outputHash: "0".repeat(64),
    funnel: [],
    notes: {},
  });
  const event = { type: "stage-end", at: "2026-01-01T00:00:00.000Z", stage: "grade", key: "0123456789abcdef" };
  await writeFile(join(folder, "events.jsonl"), `${JSON.stringify({ schemaVersion: 1, ...event })}\n`);
}

describe("grappa ledger", () => {
  test("where the money went", async () => {
    await writeJournal();
    await writeGrades(2);
    expect((await machine.run("ledger", "sums-0")).stdout).toMatchInlineSnapshot(`
      "sums-0: $0.164401 spent of at most $0.50, $0.335599 left

      stage    model                     outcome    calls  tokens in  tokens out  thinking  measured  estimated  possibly paid  free calls
      attempt  luna/gpt-6-luna           reply          4        400       8,000     6,000   $0.0044          –              –           –
      trace    deepseek/deepseek-v4-pro  reply          3        300       6,000     4,500     $0.03          –              –           –
      trace    deepseek/deepseek-v4-pro  truncated      1        100       4,000     1,500         –      $0.03              –           –
      trace    deepseek/deepseek-v4-pro  malformed      1          –           –         –         –      $0.04              –           –
      trace    deepseek/deepseek-v4-pro  unpaid         1          –           –         –         –          –              –           1
      trace    deepseek/deepseek-v4-pro  open           2          –           –         –         –          –      $0.060001           –
      whole                                            12        800      18,000    12,000   $0.0344      $0.07      $0.060001           1

      a right trace: $0.082201 (attempts, traces and judge over 2 right traces)
      2 requests without a reply, counted at $0.060001: possibly paid
        trace  deepseek/deepseek-v4-pro  question q11      at most $0.04
        trace  deepseek/deepseek-v4-pro  question q12  at most $0.020001
      look at the provider's bill, then: grappa ledger runs/sums-0 --reconcile [--billed USD]
      "
    `);
  });

  test("--json: every amount in one column, the sums theirs", async () => {
    await writeJournal();
    const { stdout, exitCode } = await machine.run("ledger", "sums-0", "--json");
    expect(exitCode).toBe(0);
    const spending = JSON.parse(stdout);
    expect(spending).toMatchObject({
      run: "sums-0",
      pid: null,
      capMicroUsd: 500_000,
      spentMicroUsd: 164_401,
      leftMicroUsd: 335_599,
      total: { calls: 12, measuredMicroUsd: 34_400, estimatedMicroUsd: 70_000, unknownMicroUsd: 60_001, freeCalls: 1 },
      rightTraces: null,
      rightTraceMicroUsd: null,
    });
    expect(spending.open).toHaveLength(2);
  });

  test("a run that bought nothing, one that is being worked on, and no run", async () => {
    expect((await machine.run("ledger", "sums-0")).stdout).toBe(
      "sums-0: $0.00 spent of at most $0.50, $0.50 left\n\nnothing was bought\n",
    );
    await writeJournal();
    await writeJson("lock.json", { pid: 99, host: "here", birth: "" });
    expect((await machine.run("ledger", "sums-0")).stdout).toContain(
      "2 requests without a reply, counted at $0.060001: in flight in process 99, or left by an earlier one",
    );
    expect((await machine.run("ledger", "nowhere")).exitCode).not.toBe(0);
  });

  test("a folder of traces, which has a journal and no recipe", async () => {
    await writeJournal();
    const traces = join(machine.folder, "traces");
    await mkdir(traces);
    await writeFile(join(traces, "requests.jsonl"), await readFile(journalPath()));
    expect((await machine.run("ledger", "traces")).stdout.split("\n")[0]).toBe("traces: $0.164401 spent");
  });
});

describe("grappa ledger --reconcile", () => {
  const spent = async () => JSON.parse((await machine.run("ledger", "sums-0", "--json")).stdout);

  test("nothing was billed", async () => {
    await writeJournal();
    expect((await machine.run("ledger", "sums-0", "--reconcile")).stdout).toMatchInlineSnapshot(`
      "sums-0: 2 requests ended
        trace  deepseek/deepseek-v4-pro  question q11      at most $0.04
        trace  deepseek/deepseek-v4-pro  question q12  at most $0.020001
      counted at $0.060001 before, at $0.00 now
      "
    `);
    expect(await spent()).toMatchObject({ spentMicroUsd: 104_400, open: [], total: { unknownMicroUsd: 0 } });
  });

  test("a request in a batch that goes on is left: the next run takes its reply", async () => {
    const batches = ["1111111111111111", "2222222222222222"] as const;
    const journal = await RequestJournal.open(journalPath());
    for (const batch of batches) await journal.intend({ key: nextKey(), worstCaseMicroUsd: 40_000, batch, ...large });
    await journal.close();
    const log = await ShardLog.open(join(folder, "journal/batches/deepseek.jsonl"));
    for (const shard of batches)
      await log.write({
        type: "planned",
        shard,
        atMs: 0,
        requests: [{ key: nextKey(), maxTokens: 1, promptBytes: 1 }],
      });
    await log.write({ type: "ended", shard: batches[0], how: "lost" });
    await log.close();
    const { stdout } = await machine.run("ledger", "sums-0", "--reconcile", "--json");
    const goesOn = { key: "0000000000000002", batch: batches[1], underWay: "batch" };
    expect(JSON.parse(stdout)).toMatchObject({
      worstCaseMicroUsd: 40_000,
      reconciled: [{ key: "0000000000000001", underWay: null }],
      spared: [goesOn],
    });
    expect(await spent()).toMatchObject({ spentMicroUsd: 40_000, open: [goesOn] });
  });

  describe("a fine-tune that may still run", () => {
    const name = "grappa-00000000000000aa";
    beforeEach(async () => {
      const journal = await RequestJournal.open(journalPath());
      const job = { key: "00000000000000aa", account: "train", provider: "together", model: "Qwen/Qwen3-8B" };
      // Announced in two parts, for it turned out dearer.
      for (const worstCaseMicroUsd of [100_000, 20_000])
        await journal.intend({ ...job, worstCaseMicroUsd, batch: name });
      await journal.intend({ key: nextKey(), worstCaseMicroUsd: 40_000, questionId: "q1", ...large });
      await journal.close();
    });

    test("is left, and said to be", async () => {
      const { stdout } = await machine.run("ledger", "sums-0", "--reconcile");
      expect(stdout).toMatchInlineSnapshot(`
        "sums-0: 1 request ended
          trace  deepseek/deepseek-v4-pro  question q1  at most $0.04
        counted at $0.04 before, at $0.00 now
        may go on at the provider, and left to the next run, which takes what it brings:
          train  together/Qwen/Qwen3-8B  fine-tune grappa-00000000000000aa  at most $0.12
        one that ended, and that no run will look for: grappa ledger runs/sums-0 --reconcile --job grappa-00000000000000aa [--billed USD]
        "
      `);
      expect(await spent()).toMatchObject({
        spentMicroUsd: 120_000,
        open: [
          { batch: name, underWay: "fine-tune" },
          { batch: name, underWay: "fine-tune" },
        ],
      });
      expect((await machine.run("ledger", "sums-0", "--reconcile")).stdout).toMatchInlineSnapshot(`
        "sums-0: no request is open that can be ended; nothing was written
        may go on at the provider, and left to the next run, which takes what it brings:
          train  together/Qwen/Qwen3-8B  fine-tune grappa-00000000000000aa  at most $0.12
        one that ended, and that no run will look for: grappa ledger runs/sums-0 --reconcile --job grappa-00000000000000aa [--billed USD]
        "
      `);
      expect((await machine.run("ledger", "sums-0")).stdout).toMatchInlineSnapshot(`
        "sums-0: $0.12 spent of at most $0.50, $0.38 left

        stage  model                     outcome     calls  tokens in  tokens out  thinking  measured  estimated  possibly paid  free calls
        trace  deepseek/deepseek-v4-pro  reconciled      1          –           –         –         –          –              –           1
        train  together/Qwen/Qwen3-8B    open            2          –           –         –         –          –          $0.12           –
        whole                                            3          –           –         –         –          –          $0.12           1

        a right trace: not known before the traces are graded
        may go on at the provider, and left to the next run, which takes what it brings:
          train  together/Qwen/Qwen3-8B  fine-tune grappa-00000000000000aa  at most $0.12
        one that ended, and that no run will look for: grappa ledger runs/sums-0 --reconcile --job grappa-00000000000000aa [--billed USD]
        "
      `);
    });

    test("--json names it", async () => {
      const { stdout } = await machine.run("ledger", "sums-0", "--reconcile", "--json");
      expect(JSON.parse(stdout)).toMatchObject({
        reconciled: [{ key: "0000000000000001" }],
        worstCaseMicroUsd: 40_000,
        spared: [
          { batch: name, underWay: "fine-tune", worstCaseMicroUsd: 100_000 },
          { batch: name, underWay: "fine-tune", worstCaseMicroUsd: 20_000 },
        ],
      });
    });

    test("--job ends it alone, where a person has seen its end", async () => {
      const args = ["ledger", "sums-0", "--reconcile", "--billed", "0.06", "--json", "--job"];
      const { stdout } = await machine.run(...args, name);
      expect(JSON.parse(stdout)).toMatchObject({ billedMicroUsd: 60_000, worstCaseMicroUsd: 120_000, spared: [] });
      expect(await spent()).toMatchObject({ spentMicroUsd: 100_000, open: [{ key: "0000000000000001" }] });
      const again = await machine.run("ledger", "sums-0", "--reconcile", "--job", name);
      expect(again.stderr).toContain(`no fine-tune and no job "${name}" is open`);
      expect(again.exitCode).not.toBe(0);
      expect((await machine.run("ledger", "sums-0", "--job", name)).stderr).toContain("--job says what --reconcile");
    });
  });

  test("a bill is spread over what was open, to the last micro-dollar, and once", async () => {
    await writeJournal();
    const { stdout } = await machine.run("ledger", "sums-0", "--reconcile", "--billed", "0.05", "--json");
    expect(JSON.parse(stdout)).toMatchObject({
      billedMicroUsd: 50_000,
      worstCaseMicroUsd: 60_001,
      reconciled: [{ billedMicroUsd: 33_332 }, { billedMicroUsd: 16_668 }],
    });
    const before = await readFile(journalPath(), "utf8");
    expect((await machine.run("ledger", "sums-0", "--reconcile", "--billed", "0.05")).stdout).toBe(
      "sums-0: no request is open; nothing was written\n",
    );
    expect(await readFile(journalPath(), "utf8")).toBe(before);
    expect(await spent()).toMatchObject({ spentMicroUsd: 154_400, total: { measuredMicroUsd: 84_400 } });
  });

  test("repairs a torn line first: its request counts as open", async () => {
    await writeJournal();
    await appendFile(journalPath(), '{"schemaVersion":1,"type":"rep');
    expect((await machine.run("ledger", "sums-0", "--reconcile")).stdout).toContain("2 requests ended");
    expect(await spent()).toMatchObject({ spentMicroUsd: 104_400, open: [] });
  });

  test("not while a process works on the run, and --billed not alone", async () => {
    await writeJournal();
    const before = await readFile(journalPath(), "utf8");
    await writeJson("lock.json", { pid: 99, host: "here", birth: "" });
    const { stderr } = await machine.run("ledger", "sums-0", "--reconcile");
    expect(stderr).toContain("in use by process 99");
    expect(await readFile(journalPath(), "utf8")).toBe(before);
    expect((await machine.run("ledger", "sums-0", "--billed", "1")).stderr).toContain("--billed says what --reconcile");
  });
});

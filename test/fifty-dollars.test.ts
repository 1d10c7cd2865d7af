/** @file `recipes/fifty-dollars` from its plan to its report, against fakes that keep their own books. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { nodeFileSystem } from "../src/adapters/file-system.ts";
import { sha256Hex } from "../src/core/hash.ts";
import { type LoadedRecipe, loadRecipe } from "../src/pipeline/load-recipe.ts";
import { type CostPlan, planCost } from "../src/pipeline/plan-cost.ts";
import { readPlanFacts } from "../src/pipeline/plan-facts.ts";
import { type Reconciliation, readSpending } from "../src/pipeline/run-spending.ts";
import { nodeProcessTable } from "../src/adapters/process-table.ts";
import type { Recipe } from "../src/schema/recipe.ts";
import type { RunSummary } from "../src/schema/result.ts";
import { type FakeOpenAI, startFakeOpenAI } from "./teacher/fakes/fake-openai-compatible.ts";
import { type FakeTuning, startFakeTuning } from "./teacher/fakes/fake-together-tuning.ts";

const ROOT = join(import.meta.dirname, "..");
const KEY = "key-of-a-test-0123456789abcdef";
/** Micro-dollars for a million tokens, as in the recipe; the teacher's in its dearest hour. */
const PRICES = { attempt: [300_000, 300_000], trace: [300_000, 1_200_000], host: [300_000, 2_300_000] } as const;

let folder: string;
let loaded: LoadedRecipe;
let answers: Map<string, string>;
let student: FakeOpenAI;
let teacher: FakeOpenAI;
let host: FakeOpenAI;
let tuning: FakeTuning;
/** Whether the tuned model was started. */
let isServed = false;

const asksTuned = ({ body }: { readonly body: string }): boolean =>
  (JSON.parse(body) as { model: string }).model.startsWith("acme/");

/** Whether a model knows a question: a share of them, by hash. */
const knows = (who: string, question: string, share: number): boolean =>
  Number.parseInt(sha256Hex(`${who}/${question}`).slice(0, 6), 16) / 0xffffff < share;

/** Words that do not go round in circles. */
const thoughts = (who: string, question: string): string =>
  `${who} thinks: ${Array.from({ length: 40 }, (_, i) => `step ${i} gives ${sha256Hex(`${question}/${i}`).slice(0, 6)}`).join(", ")}.`;

function reply(who: string, question: string, share: number) {
  const right = answers.get(question) ?? "0";
  const answer = knows(who, question, share) ? right : `${right}1`;
  return { thinking: thoughts(who, question), answer: `The answer is \\boxed{${answer}}.` };
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "grappa-fifty-"));
  const ports = {
    fs: nodeFileSystem(),
    packageFolder: ROOT,
    workingFolder: folder,
    importDefault: () => Promise.reject(new Error()),
  };
  loaded = await loadRecipe("fifty-dollars", [], ports);
  const lines = (await readFile(join(ROOT, "recipes/fifty-dollars/questions.jsonl"), "utf8")).trim().split("\n");
  answers = new Map(
    lines
      .map((line) => JSON.parse(line) as { question: string; answer: string })
      .map((row) => [row.question, row.answer]),
  );
  student = await startFakeOpenAI({
    apiKey: KEY,
    reply: (prompt) => ({ ...reply("student", prompt, 0.3), thinking: "" }),
  });
  teacher = await startFakeOpenAI({ apiKey: KEY, reply: (prompt) => reply("teacher", prompt, 0.9) });
  host = await startFakeOpenAI({
    apiKey: KEY,
    fault: (request) => (asksTuned(request) && !isServed ? { type: "status", status: 404, body: "{}" } : null),
    reply: (prompt, request) =>
      asksTuned(request)
        ? { ...reply("tuned", prompt, 1), place: "inline" }
        : { ...reply("base", prompt, 0.2), thinking: "" },
  });
  tuning = await startFakeTuning({ apiKey: KEY, perMillion: 540_000, looks: 3, chatOrigin: host.origin });
});
afterAll(async () => {
  await Promise.all([student, teacher, host, tuning].map((fake) => fake.close()));
  await rm(folder, { recursive: true, force: true });
});

/** The recipe, scaled down, at the fakes. */
function flags({ attempt, trace }: Recipe): string[] {
  const [usdIn, usdOut] = PRICES.trace;
  const price = { inputUsdPerMillion: usdIn / 1e6, outputUsdPerMillion: usdOut / 1e6 };
  const settings = {
    "collect.sources": [{ type: "file", path: "questions.jsonl", domain: "domain", count: 40 }],
    "attempt.students": attempt.students.map((one) => ({ ...one, baseUrl: student.baseUrl })),
    "trace.teacher": { ...trace.teacher, baseUrl: teacher.baseUrl, price },
    "student.hosted.baseUrl": tuning.baseUrl,
    "select.count": 16,
    "evaluate.count": 20,
  };
  return Object.entries(settings).flatMap(([path, value]) => ["--set", `${path}=${JSON.stringify(value)}`]);
}

function grappa(...args: string[]): {
  child: ChildProcess;
  done: Promise<{ code: number | null; stdout: string; stderr: string }>;
} {
  const env = { PATH: process.env.PATH, TOGETHER_API_KEY: KEY, DEEPSEEK_API_KEY: KEY };
  const child = spawn(process.execPath, [join(ROOT, "dist/cli/main.js"), ...args], { cwd: folder, env });
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (text: Buffer) => (stdout += text.toString()));
  child.stderr.on("data", (text: Buffer) => (stderr += text.toString()));
  return { child, done: new Promise((resolve) => child.on("close", (code) => resolve({ code, stdout, stderr }))) };
}

const run = () => grappa("run", "fifty-dollars", "--run", "run", "--yes", "--json", ...flags(loaded.recipe));

const costOf = ({ billed }: FakeOpenAI, [input, output]: readonly [number, number]): number =>
  Math.round((billed.promptTokens * input + billed.completionTokens * output) / 1e6);

describe("recipes/fifty-dollars", () => {
  test("is planned to cost at most $50 in nine cases of ten, and to give 1,000 right traces", async () => {
    const sources = { recipe: loaded.recipe, recipeFolder: join(ROOT, "recipes/fifty-dollars"), baseFolder: folder };
    const facts = await readPlanFacts(nodeFileSystem(), {
      ...sources,
      runFolder: join(folder, "none"),
      planned: [],
      now: new Date("2026-11-25T07:00:00Z"),
    });
    const plan = planCost(loaded.recipe, facts);
    expect(plan.capMicroUsd).toBe(50_000_000);
    expect(plan.microUsd.p90).toBeLessThanOrEqual(50_000_000);
    expect(plan.microUsd.p50).toBeGreaterThan(10_000_000);
    expect(plan.verified.p50).toBeGreaterThanOrEqual(1_000);
    expect(plan.examplesWanted).toBe(1_000);
    expect(plan.warnings).toEqual([]);
  });

  test("killed in training it goes on with the same job, and ends under the cap with everything in the ledger", async () => {
    const first = run();
    while (tuning.billed.jobs === 0) {
      if (first.child.exitCode !== null) throw new Error((await first.done).stderr);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    first.child.kill("SIGKILL");
    await first.done;
    const reconciled = JSON.parse(
      (await grappa("ledger", "run", "--reconcile", "--json").done).stdout,
    ) as Reconciliation;
    expect(reconciled.reconciled).toEqual([]);
    expect(reconciled.spared).toMatchObject([{ account: "train", underWay: "fine-tune" }]);
    const unserved = await run().done;
    expect(unserved.code).not.toBe(0);
    expect(unserved.stderr).toMatch(
      /the tuned model acme\/Qwen2.5-7B-Instruct-grappa-\w{16}-0a1b2c3d is not served yet/,
    );
    isServed = true;
    const { code, stdout, stderr } = await run().done;
    expect({ code, stderr: code === 0 ? "" : stderr }).toEqual({ code: 0, stderr: "" });
    expect(tuning.billed.jobs).toBe(1);
    expect(tuning.orders[0]).toMatchObject({
      model: "Qwen/Qwen2.5-7B-Instruct",
      n_epochs: 5,
      training_type: { type: "Full" },
    });

    const summary = JSON.parse(stdout.trim().split("\n").at(-1) ?? "") as RunSummary;
    expect(summary.student.accuracy).toBe(1);
    expect(summary.base.accuracy).toBeLessThan(0.5);
    expect(summary.base.n).toBe(20);
    expect(summary.verdict.pValue).toBeLessThan(0.05);

    const spending = await readSpending({ fs: nodeFileSystem(), processes: nodeProcessTable() }, join(folder, "run"));
    const paid = (account: string): number =>
      spending.rows.filter((row) => row.account === account).reduce((sum, row) => sum + row.measuredMicroUsd, 0);
    // The ledger rounds each reply up to a micro-dollar, the books only their sum.
    const within = (fake: FakeOpenAI): number => fake.billed.requests;
    expect(Math.abs(paid("attempt") - costOf(student, PRICES.attempt))).toBeLessThanOrEqual(within(student));
    expect(Math.abs(paid("trace") - costOf(teacher, PRICES.trace))).toBeLessThanOrEqual(within(teacher));
    expect(Math.abs(paid("evaluate") - costOf(host, PRICES.host))).toBeLessThanOrEqual(within(host));
    expect(paid("train")).toBe(tuning.billed.microUsd);
    expect(spending.open).toEqual([]);
    expect(spending.spentMicroUsd).toBeLessThan(50_000_000);
    expect(summary.spentUsd).toBe(spending.spentMicroUsd / 1e6);
    expect([host.billed.requests, tuning.files.size]).toEqual([40, 1]);
  }, 60_000);

  test("its plan, once it has run, buys nothing more", async () => {
    const { stdout } = await grappa("plan", "fifty-dollars", "--run", "run", "--json", ...flags(loaded.recipe)).done;
    const plan = JSON.parse(stdout) as CostPlan;
    expect(plan.remainingMicroUsd.p50).toBe(0);
    expect(plan.microUsd.p50).toBe(plan.spentMicroUsd);
    expect(plan.rows.filter(({ stage }) => stage === "evaluate").map(({ bought }) => bought.calls)).toEqual([20, 20]);
  });

  test("its examples are the teacher's thinking, between the delimiters that the student is read by", () => {
    const rows = (tuning.files.get("file-0") ?? "")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { messages: { role: string; content: string }[] });
    expect(rows).toHaveLength(16);
    for (const { messages } of rows) {
      expect(messages.map(({ role }) => role)).toEqual(["user", "assistant"]);
      expect(messages[1]?.content).toMatch(/^<think>\nteacher thinks: [^<]*\n<\/think>\n\nThe answer is/);
      expect(messages[1]?.content).toContain(`\\boxed{${answers.get(messages[0]?.content ?? "")}}`);
    }
  });

  test("the x-ray shows the chats that were sent, and says that template and mask are not verified", async () => {
    const all = await grappa("xray", "run").done;
    expect({ code: all.code, stderr: all.stderr }).toEqual({ code: 0, stderr: "" });
    expect(all.stdout).toMatch(/^run(s\/run)?: 16 chats, about [\d,]+ tokens as the teacher counted them\n/);
    expect(all.stdout).toMatch(/thinking: about [\d,]+ tokens, in the text, between <think> and <\/think>\n/);
    expect(all.stdout).toContain(
      "template and mask: NOT VERIFIED. together's own template for Qwen/Qwen2.5-7B-Instruct",
    );
    expect(all.stdout).toContain("gates: those that need no tokenizer passed in every chat");
    const stages = await readdir(join(folder, "run/stages"));
    const tokenized = join(
      folder,
      "run/stages",
      stages.find((name) => name.startsWith("tokenize-")) ?? "",
      "training.jsonl",
    );
    const traced = JSON.parse((await grappa("xray", "run", "--json").done).stdout) as object;
    expect(traced).toMatchObject({ rows: 16, withReasoningField: 0, isTemplateVerified: false, isMaskVerified: false });
    const sent = await readFile(tokenized, "utf8");
    expect(sent).toBe(tuning.files.get("file-0"));
    const refused = await grappa("xray", "run", "--html", "x.html").done;
    expect(refused.code).not.toBe(0);
    expect(refused.stderr).toContain("there are no tokens");
    try {
      await writeFile(tokenized, sent.replace("teacher thinks", "somebody else thinks"));
      const { code, stdout } = await grappa("xray", "run").done;
      expect(code).toBe(4);
      expect(stdout).toContain("text-differs");
    } finally {
      await writeFile(tokenized, sent);
    }
  }, 30_000);

  test("weights that are asked for later are brought here, and no second job is ordered", async () => {
    const more = ["--set", "student.hosted.download=true"];
    const args = ["run", "fifty-dollars", "--run", "run", "--yes", "--json", ...flags(loaded.recipe), ...more];
    const { code, stderr } = await grappa(...args).done;
    expect({ code, stderr: code === 0 ? "" : stderr }).toEqual({ code: 0, stderr: "" });
    const stages = await readdir(join(folder, "run/stages"));
    const trained = stages.filter((name) => name.startsWith("train-"));
    const found = await Promise.all(
      trained.map((name) =>
        readFile(join(folder, "run/stages", name, "student/weights.tar.zst")).catch(() => undefined),
      ),
    );
    expect(found.filter((bytes) => bytes?.equals(tuning.weights) === true)).toHaveLength(1);
    expect(tuning.billed.jobs).toBe(1);
  }, 60_000);

  test("what was not measured is said, and no key stands in any file", async () => {
    const markdown = await readFile(join(folder, "run/report.md"), "utf8");
    expect(markdown).toContain("thinking budgets, forced continuations and training losses were not measured");
    const entries = await readdir(join(folder, "run"), { recursive: true, withFileTypes: true });
    for (const entry of entries.filter((one) => one.isFile()))
      expect(await readFile(join(entry.parentPath, entry.name), "utf8")).not.toContain(KEY);
  });

  test("questions of families are held out too, and a teacher of this machine may teach a student elsewhere", async () => {
    const settings = {
      "collect.sources": [{ type: "family", family: "arithmetic", count: 20, difficulty: [2, 3] }],
      "attempt.students": [],
      "trace.teacher": { type: "builtin", latencyMs: 0 },
      "student.hosted.baseUrl": tuning.baseUrl,
      "select.count": 8,
      "evaluate.count": 6,
      "evaluate.difficulty": [2, 3],
    };
    const sets = Object.entries(settings).flatMap(([path, value]) => ["--set", `${path}=${JSON.stringify(value)}`]);
    const { code, stdout, stderr } = await grappa(
      "run",
      "fifty-dollars",
      "--run",
      "families",
      "--yes",
      "--json",
      ...sets,
    ).done;
    expect({ code, stderr: code === 0 ? "" : stderr }).toEqual({ code: 0, stderr: "" });
    const summary = JSON.parse(stdout.trim().split("\n").at(-1) ?? "") as RunSummary;
    expect([summary.base.n, summary.student.n]).toEqual([6, 6]);
    expect(summary.accounts?.map(({ account }) => account)).toEqual(["trace", "train", "evaluate"]);
    expect(tuning.billed.jobs).toBe(2);
  }, 30_000);
});

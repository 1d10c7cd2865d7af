/**
 * @file `grappa curate s1`, with a fake hub that holds two of a hundred questions of s1's shape, and one local server as both students,
 * teacher and judge: every stage of s1's way to its selection, over HTTP.
 */
import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { nodeFileSystem } from "../src/adapters/file-system.ts";
import { sha256Hex } from "../src/core/hash.ts";
import { type Candidate, sourceOf } from "../src/curate/candidate.ts";
import { MSC_CLASSES } from "../src/curate/msc-classes.ts";
import type { Curation } from "../src/pipeline/curation.ts";
import { loadRecipe } from "../src/pipeline/load-recipe.ts";
import type { Recipe } from "../src/schema/recipe.ts";
import type {
  Dropped,
  GradedTrace,
  Question,
  QuestionDomain,
  Selection,
  Trace,
  TraceLength,
} from "../src/schema/records.ts";
import { askSelectionOracle, hasPython } from "./ask-selection-oracle.ts";
import { type FakeHub, startFakeHubOf } from "./hub/fake-hub.ts";
import { makeS1Pool, MEAN_THINKING_TOKENS } from "./s1-pool.ts";
import { completion, type ScriptedServer, send, startScriptedServer } from "./teacher/scripted-server.ts";

const ROOT = join(import.meta.dirname, "..");
/** Share of the 59,029 questions; GRAPPA_S1_SHARE=1 takes all of them, and four minutes. */
const SHARE = Number(process.env["GRAPPA_S1_SHARE"] ?? 0.02);
const COUNT = Math.min(1_000, Math.round(6_000 * SHARE));

let folder: string;
let recipe: Recipe;
let hub: FakeHub;
let models: ScriptedServer;

/** A number from 0 to 1 that belongs to a text. */
const chance = (text: string): number => Number.parseInt(sha256Hex(text).slice(0, 8), 16) / 2 ** 32;

/** Who is right how often; the teacher as in s1K. */
const RIGHT: Readonly<Record<string, number>> = { small: 0.25, large: 0.4, teacher: 0.536 };

/** Of these a right trace is a seed. Students solve none of them here, so that as many seeds as in s1 come of fewer right traces. */
const SEEDED = /^(Idavidrein|qq8933)/;

/** Answers in the place of every model; replies say themselves whether they are right, and the judge believes them. */
function answer(model: string, prompt: string): string {
  if (model !== "judge") {
    const source = Object.keys(MEAN_THINKING_TOKENS).find((name) => prompt.includes(`${name} `)) ?? "";
    const isRight =
      chance(`${model}/${prompt}`) < (model === "teacher" && SEEDED.test(source) ? 0.25 : (RIGHT[model] ?? 0));
    const tokens = Math.round((MEAN_THINKING_TOKENS[source] ?? 3000) * (0.3 + 1.7 * chance(`length/${prompt}`)));
    const usage = {
      prompt_tokens: 9,
      completion_tokens: tokens + 9,
      completion_tokens_details: { reasoning_tokens: tokens },
    };
    return completion(`I think about ${sha256Hex(prompt)}.`, isRight ? "My answer is RIGHT." : "My answer is WRONG.", {
      usage,
    });
  }
  if (!prompt.startsWith("You sort questions"))
    return completion("", `Reasons.\nVerdict: ${prompt.includes("My answer is RIGHT.") ? "correct" : "incorrect"}`);
  const question = prompt.slice(prompt.indexOf("\nquestion #"));
  if (chance(`garbage/${question}`) < 0.03) return completion("", "Subject: it depends");
  // Few subjects have most of the questions.
  const place = Math.floor(MSC_CLASSES.length * chance(`subject/${question}`) ** 2.5);
  return completion("", `A reason.\nSubject: ${MSC_CLASSES[place]?.code}`);
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "grappa-s1-curate-"));
  const importDefault = (): Promise<unknown> => Promise.reject(new Error("no module"));
  const places = { packageFolder: ROOT, workingFolder: folder, importDefault };
  ({ recipe } = await loadRecipe("s1", [], { fs: nodeFileSystem(), ...places }));
  hub = await startFakeHubOf(makeS1Pool(recipe, { share: SHARE }));
  models = await startScriptedServer((response, { body }) =>
    send(response, answer(String(body["model"]), body.messages.at(-1)?.content ?? "")),
  );
});
afterAll(async () => {
  await Promise.all([hub.close(), models.close()]);
  rmSync(folder, { recursive: true, force: true });
});

async function grappa(...args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const env = { PATH: process.env.PATH, HF_ENDPOINT: hub.endpoint, GRAPPA_CACHE: join(folder, "cache") };
  const child = spawn(process.execPath, [join(ROOT, "dist/cli/main.js"), ...args], { cwd: folder, env });
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (text: Buffer) => (stdout += text.toString()));
  child.stderr.on("data", (text: Buffer) => (stderr += text.toString()));
  return await new Promise((resolve) => child.on("close", (code) => resolve({ code, stdout, stderr })));
}

function curate(run: string): ReturnType<typeof grappa> {
  const price = { inputUsdPerMillion: 0, outputUsdPerMillion: 0 };
  const model = (name: string) => ({
    type: "openai-compatible",
    name,
    baseUrl: models.baseUrl,
    model: name,
    maxTokens: 30_000,
    price,
  });
  const settings = {
    "attempt.students": [model("small"), model("large")],
    "trace.teacher": model("teacher"),
    judge: model("judge"),
    "select.count": COUNT,
  };
  const sets = Object.entries(settings).flatMap(([path, value]) => ["--set", `${path}=${JSON.stringify(value)}`]);
  return grappa("curate", "s1", "--run", run, "--yes", "--json", ...sets);
}

function rows<T>(stage: string, file: string): T[] {
  const name = readdirSync(join(folder, "run/stages")).find((one) => one.startsWith(`${stage}-`)) ?? "";
  const text = readFileSync(join(folder, "run/stages", name, file), "utf8").trimEnd();
  return text === "" ? [] : text.split("\n").map((line) => JSON.parse(line) as T);
}

/** What there was to select from, put together from the stages' files. */
function hardPool(): Candidate[] {
  const questions = new Map(rows<Question>("attempt", "questions.jsonl").map((one) => [one.id, one]));
  const domains = new Map(rows<QuestionDomain>("grade", "domains.jsonl").map((one) => [one.questionId, one.domain]));
  const lengths = new Map(rows<TraceLength>("grade", "lengths.jsonl").map((one) => [one.traceId, one.thinkingTokens]));
  const grades = new Map(rows<GradedTrace>("grade", "grades.jsonl").map((one) => [one.traceId, one.grade.outcome]));
  return rows<Trace>("trace", "traces.jsonl").flatMap(({ id, questionId }) => {
    const question = questions.get(questionId);
    if (question === undefined) return [];
    const [source, domain] = [sourceOf(question), domains.get(questionId) ?? ""];
    const isCorrect = grades.get(id) === "correct";
    return [{ traceId: id, questionId, source, domain, isCorrect, thinkingTokens: lengths.get(id) ?? 0 }];
  });
}

describe("grappa curate s1", () => {
  test("goes through s1's stages offline, with a funnel that adds up", {
    timeout: 3_000_000 * Math.max(0.1, SHARE),
  }, async () => {
    const { code, stdout, stderr } = await curate("run");
    expect(code, stderr).toBe(0);
    const told = JSON.parse(stdout) as Curation;
    for (const { in: total, kept, dropped, reasons } of told.funnel) {
      expect(kept + dropped).toBe(total);
      expect(Object.values(reasons).reduce((sum, count) => sum + count, 0)).toBe(dropped);
    }
    expect(told.funnel.at(-1)).toMatchObject({ stage: "select", kept: COUNT });
    // What either student solves goes: of ten questions with a reference about 4.5 (0.25, then 0.4 of the rest, is 0.55 left).
    const pool = hardPool();
    const traced = rows<Trace>("trace", "traces.jsonl").length;
    expect(traced).toBeGreaterThan(50_000 * SHARE);
    expect(Math.abs(pool.length / traced - 0.45)).toBeLessThan(0.06);
    const solved = new Set(rows<Dropped>("attempt", "dropped.jsonl").map(({ id }) => id));
    expect(pool.some(({ questionId }) => solved.has(questionId))).toBe(false);
    expect(told.chosenBy["seed"]).toBe(
      pool.filter(
        ({ source, isCorrect, thinkingTokens }) =>
          isCorrect &&
          (SEEDED.test(source) || (source.startsWith("simplescaling/openaimath") && thinkingTokens > 5600)),
      ).length,
    );
    expect(told.chosenBy["uniform-domain"]).toBeGreaterThan(0);
    expect(told.chosenBy["benchmark-domain"]).toBeGreaterThan(0);
    expect(Object.keys(told.domains)).toContain("unclassified");
  });

  test.skipIf(!hasPython)("selects, draw by draw, what an independent oracle does", () => {
    const { seeds, shape, redrawSeeds } = recipe.select;
    const [expected] = askSelectionOracle(hardPool(), [{ count: COUNT, seed: recipe.seed, seeds, shape, redrawSeeds }]);
    const selection = rows<Selection>("select", "selection.jsonl");
    expect(selection.map(({ traceId, reason }) => [traceId, reason])).toEqual(expected);
  });

  test("can be verified offline, and asks nobody anything when it runs again", {
    timeout: 3_000_000 * Math.max(0.1, SHARE),
  }, async () => {
    const verified = await grappa("verify", "run");
    expect(verified.code, verified.stderr).toBe(0);
    expect(verified.stdout).toContain(
      `the selection of ${COUNT.toLocaleString("en-US")} rows made again, byte for byte`,
    );
    const asked = models.requests.length;
    expect((await curate("run")).code).toBe(0);
    expect(models.requests).toHaveLength(asked);
  });
});

/** @file A run's student out into the world: exported, with its card, and to a hub over HTTP in parts; nothing twice. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { readModelFolder } from "../src/adapters/model-folder.ts";
import { COMPLETE, startWritableHub, VERIFY, type WritableHub, WRITE_TOKEN } from "./hub/fake-hub-writes.ts";
import { tinyRecipe, writeTinyStudent } from "./tiny-student.ts";

const MAIN = join(import.meta.dirname, "../dist/cli/main.js");
const CHUNK = 10_000;
let folder: string;
let hub: WritableHub;

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function start(args: readonly string[], token?: string): { child: ChildProcess; done: Promise<Ended> } {
  const env = { PATH: process.env.PATH, ...(hub && { HF_ENDPOINT: hub.endpoint }), ...(token && { HF_TOKEN: token }) };
  const child = spawn(process.execPath, [MAIN, ...args], { cwd: folder, env });
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (text: Buffer) => (stdout += text.toString()));
  child.stderr.on("data", (text: Buffer) => (stderr += text.toString()));
  return { child, done: new Promise((resolve) => child.on("close", (code) => resolve({ code, stdout, stderr }))) };
}

const PUSH = ["push", "run", "--model", "acme/set", "--gguf"] as const;
const push = (...args: string[]): Promise<Ended> => start([...PUSH, ...args], WRITE_TOKEN).done;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "grappa-push-model-"));
  await writeTinyStudent(join(folder, "base"));
  writeFileSync(join(folder, "base/README.md"), "---\nlicense: apache-2.0\n---\n# base\n");
  writeFileSync(join(folder, "recipe.json"), JSON.stringify(tinyRecipe("base")));
  const made = await start(["run", "recipe.json", "--run", "run", "--threads", "1"]).done;
  expect(made).toMatchObject({ code: 0 });
}, 180_000);
beforeEach(async () => {
  hub = await startWritableHub({ isModel: true, chunkBytes: CHUNK });
});
afterEach(() => hub.close());
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const WEIGHTS = ["model.safetensors", "run-q8_0.gguf"];
const FILES = [
  "Modelfile",
  "README.md",
  "chat_template.jinja",
  "config.json",
  "generation_config.json",
  "model.safetensors",
  "run-q8_0.gguf",
  "tokenizer.json",
  "tokenizer_config.json",
];

function expectWhole(): void {
  expect([...hub.files.keys()].sort()).toEqual(FILES);
  for (const [path, { bytes }] of hub.files)
    expect(bytes.equals(readFileSync(join(folder, "run/model", path)))).toBe(true);
}

test("exports the student with a card of its run, and the same weights for transformers", async () => {
  const { code, stdout } = await start(["export", "run", "--to", "hf", "--json"]).done;
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ formats: ["hf"], type: "f32", isMerged: false, licence: "apache-2.0" });
  const exported = await readModelFolder(join(folder, "run/model-hf"));
  const student = await readModelFolder(studentFolder());
  expect(exported.tensors).toEqual(student.tensors);
  const card = readFileSync(join(folder, "run/model-hf/README.md"), "utf8");
  expect(card).toMatch(/^---\nlibrary_name: transformers\n/);
  expect(card).toContain('license: "apache-2.0"');
  expect(card).toMatch(/\| base, direct answer \| [\d.]+ % \| [\d.]+–[\d.]+ % \| \d+ \| 0 \|/);
  expect(card).toMatch(/\| student, cut at 16 \|/);
  expect(card).toContain("32 questions with a teacher's reasoning");
  expect(card).toContain("Contamination: not checked");
  expect(card).toContain("| train | $0 | measured |");
}, 60_000);

/** The student's folder of the run. */
function studentFolder(): string {
  const { stages } = JSON.parse(readFileSync(join(folder, "run/manifest.json"), "utf8")) as {
    stages: { stage: string; key: string }[];
  };
  const key = stages.find(({ stage }) => stage === "train")?.key ?? "";
  return join(folder, `run/stages/train-${key}/student`);
}

test("without --yes it says what it would send, and whose licence and terms to read, and asks nobody", async () => {
  const { code, stdout } = await start(PUSH).done;
  expect(code).toBe(0);
  expect(stdout).toContain("would send the student of run to acme/set, private if it is made now");
  expect(stdout).toContain("licence of the base base: apache-2.0");
  expect(stdout).toContain("contamination: not checked against any benchmark");
  expect(stdout).toContain("nothing was sent");
  expect(hub.seen).toEqual([]);
}, 60_000);

test("sends large files in parts, all in one commit, and nothing the second time", async () => {
  const first = await push("--yes", "--json");
  expect(first).toMatchObject({ code: 0 });
  expect([hub.type, hub.isPrivate]).toEqual(["model", true]);
  expectWhole();
  expect(hub.commits.map((paths) => [...paths].sort())).toEqual([FILES]);
  expect(hub.completed).toHaveLength(2);
  const parts = hub.seen.filter(({ origin }) => origin === "store");
  const sizes = WEIGHTS.map((name) => statSync(join(folder, "run/model", name)).size);
  expect(parts).toHaveLength(sizes.reduce((sum, size) => sum + Math.ceil(size / CHUNK), 0));
  for (const { origin, path, authorization } of hub.seen.filter((one) => one.path !== VERIFY))
    expect([path, authorization]).toEqual([path, origin === "hub" ? `Bearer ${WRITE_TOKEN}` : undefined]);
  expect(hub.files.get("README.md")?.bytes.toString()).toContain('from_pretrained("acme/set")');
  const before = hub.seen.length;
  const second = await push("--yes", "--json");
  expect(JSON.parse(second.stdout)).toMatchObject({ pushed: { sent: [] }, kept: WEIGHTS });
  const after = hub.seen.slice(before);
  expect(after.filter(({ method, path }) => method === "PUT" || path.includes("/commit/"))).toEqual([]);
}, 60_000);

test("kill -9 while the second file is sent: the next push sends what is missing, and the first not again", async () => {
  const { child, done } = start([...PUSH, "--yes"], WRITE_TOKEN);
  let release = (): void => undefined;
  const reached = new Promise<void>((resolve) => {
    hub.hold = async ({ origin }) => {
      if (origin !== "store" || hub.completed.length < 1) return;
      resolve();
      await new Promise<void>((free) => (release = free));
    };
  });
  await reached;
  child.kill("SIGKILL");
  await done;
  hub.hold = () => Promise.resolve();
  release();
  const [first] = hub.completed;
  const before = hub.seen.length;
  expect(await push("--yes")).toMatchObject({ code: 0 });
  expectWhole();
  expect(hub.completed).toHaveLength(2);
  const sentAgain = hub.seen.slice(before).filter(({ path }) => path.startsWith(`/${first}/`));
  expect(sentAgain).toEqual([]);
  expect(hub.seen.slice(before).filter(({ path }) => path === COMPLETE)).toHaveLength(1);
}, 60_000);

test.each([
  [["push", "run"], "say one of --repo OWNER/NAME"],
  [["push", "run", "--model", "../x"], '"../x" names no model of the hub'],
  [["push", "run", "--model", "acme/set", "--type", "f16"], "--type is the GGUF's"],
  [["export", "run", "--to", "hf", "--type", "q8_0"], "q8_0 is a type of GGUF's"],
  [["export", "run", "--to", "hf", "--out", "base"], "no export of grappa's, and not empty"],
  [["export", "run", "--to", "hf", "--base", "base"], "no adapter, so it has no base"],
])("%j is refused", async (args, message) => {
  const { code, stderr } = await start(args, WRITE_TOKEN).done;
  expect(stderr).toContain(message);
  expect(code).not.toBe(0);
  expect(hub.seen).toEqual([]);
});

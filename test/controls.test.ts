/** @file `--controls` on real stages: the main line stays as it is, nothing is done twice, and a kill loses nothing. */
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ControlsRecord } from "../src/schema/controls.ts";
import { RunSummary } from "../src/schema/result.ts";
import { folderBytes } from "./folder-bytes.ts";
import { tinyRecipe, writeTinyStudent } from "./tiny-student.ts";

let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "grappa-controls-"));
  await writeTinyStudent(join(folder, "base"));
  writeFileSync(join(folder, "recipe.json"), JSON.stringify(tinyRecipe("base")));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Ended {
  readonly summary: RunSummary | undefined;
  readonly stderr: string;
  readonly code: number | null;
}

/** The real program; killed as soon as `killAt` stands in what it tells. */
async function run(name: string, args: readonly string[], killAt?: string): Promise<Ended> {
  const main = resolve("dist/cli/main.js");
  const child = spawn(process.execPath, [main, "run", "recipe.json", "--run", name, "--json", ...args], {
    cwd: folder,
  });
  const output = { stdout: "", stderr: "" };
  child.stdout.on("data", (text: Buffer) => (output.stdout += text.toString()));
  child.stderr.on("data", (text: Buffer) => {
    output.stderr += text.toString();
    if (killAt !== undefined && output.stderr.includes(killAt)) child.kill("SIGKILL");
  });
  const code = await new Promise<number | null>((ended) => child.on("close", ended));
  const line = output.stdout.trimEnd().split("\n").at(-1) ?? "";
  return { summary: code === 0 ? RunSummary.parse(JSON.parse(line)) : undefined, stderr: output.stderr, code };
}

const read = (path: string): string => readFileSync(join(folder, path), "utf8");
const record = (name: string): ControlsRecord => ControlsRecord.parse(JSON.parse(read(`${name}/controls.json`)));

let plain: Ended;
let whole: Ended;
beforeAll(async () => {
  plain = await run("plain", []);
  whole = await run("whole", ["--controls"]);
}, 120_000);

test("without the flag there are no controls, and Wait is not claimed", () => {
  expect(plain.code, plain.stderr).toBe(0);
  expect(plain.summary?.controls).toBeNull();
  expect(plain.summary?.waitClaim).toMatchObject({ isClaimed: false });
});

test("every control is in the result, the page and the Markdown, each compared on the same questions", () => {
  expect(whole.code, whole.stderr).toBe(0);
  const rows = whole.summary?.controls?.rows ?? [];
  expect(rows.map(({ control, setting, n }) => [control, setting.waits, n])).toEqual([
    ["no-slips", 0, 4],
    ["no-slips", 1, 4],
    ["answers-only", 0, 4],
    ["random", 0, 4],
    ["random", 1, 4],
    ["silent", 1, 4],
    ["vote", 0, 4],
  ]);
  expect(whole.summary?.controls?.seconds).toBeGreaterThan(0);
  expect(rows).toEqual(record("whole").rows);
  for (const page of ["report.html", "report.md"]) expect(read(`whole/${page}`)).toContain("traces without slips");
});

test("the main line is the same, byte for byte, with and without controls", () => {
  const kept = Object.entries(folderBytes(join(folder, "plain/stages")));
  const beside = folderBytes(join(folder, "whole/stages"));
  expect(kept.length).toBeGreaterThan(20);
  expect(Object.fromEntries(kept.map(([path]) => [path, beside[path]]))).toEqual(Object.fromEntries(kept));
  const { seconds: _, stages: __, controls: ___, ...result } = whole.summary ?? ({} as RunSummary);
  const { seconds: ____, stages: _____, controls: ______, ...without } = plain.summary ?? ({} as RunSummary);
  // The ledger is the whole folder's: what the controls asked for is in it.
  const same = { run: "", waitClaim: null, accounts: [] };
  expect({ ...result, ...same }).toEqual({ ...without, ...same });
  expect(result.accounts?.[0]?.calls).toBeGreaterThan(without.accounts?.[0]?.calls ?? 0);
  expect(read("whole/manifest.json").replace('"run": "whole"', "")).toBe(
    read("plain/manifest.json").replace('"run": "plain"', ""),
  );
});

test("asked again, nothing runs; asked of a finished run, only the controls do", async () => {
  const before = read("whole/timings.jsonl");
  expect((await run("whole", ["--controls"])).stderr).toContain("whole is finished");
  expect(read("whole/timings.jsonl")).toBe(before);
  const added = await run("plain", ["--controls"]);
  expect(added.stderr).not.toContain("collect");
  expect(added.stderr).toContain("control (c)");
  expect(record("plain")).toEqual(record("whole"));
  // Without the flag a finished run shows what its controls found.
  expect((await run("plain", [])).summary?.controls?.rows).toEqual(record("whole").rows);
}, 60_000);

test("killed while a control runs, the same command finishes with the same findings", async () => {
  for (const moment of ["control (a)", "control (b)", "control (d)"])
    expect((await run("killed", ["--controls"], moment)).code).toBeNull();
  expect((await run("killed", ["--controls"])).code).toBe(0);
  expect(record("killed")).toEqual(record("whole"));
  expect(folderBytes(join(folder, "killed/stages"))).toEqual(folderBytes(join(folder, "whole/stages")));
}, 120_000);

test("another evaluation makes the controls void, and says so by having none", async () => {
  const changed = await run("whole", ["--update", "--set", "evaluate.count=3"]);
  expect(changed.summary?.student.n).toBe(3);
  expect(changed.summary?.controls).toBeNull();
});

test("controls of a part of a run are refused", async () => {
  const { code, stderr } = await run("part", ["--controls", "--until", "train"]);
  expect(code).toBe(2);
  expect(stderr).toContain("--until train does not finish it");
});

test("--plan tells of the controls", async () => {
  const { stdout } = await new Promise<{ stdout: string }>((ended) => {
    const child = spawn(
      process.execPath,
      [resolve("dist/cli/main.js"), "run", "recipe.json", "--run", "whole", "--plan", "--controls", "--update"],
      { cwd: folder },
    );
    let out = "";
    child.stdout.on("data", (text: Buffer) => (out += text.toString()));
    child.on("close", () => ended({ stdout: out }));
  });
  expect(stdout).toContain("control    after it    (a) traces without slips");
});

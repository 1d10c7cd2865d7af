import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

/** Files that each break one rule, in a project of their own under this repository's own lint configuration. */
const BROKEN: Readonly<Record<string, { readonly text: string; readonly rule: string }>> = {
  "src/core/imports-schema.ts": { text: 'import "../schema/recipe.ts";', rule: "no-restricted-imports" },
  "src/schema/imports-engine.ts": { text: 'import "../engine/arena.ts";', rule: "no-restricted-imports" },
  "src/grade/imports-peer.ts": { text: 'import "../tokenize/tokenizer.ts";', rule: "no-restricted-imports" },
  "src/engine/kernels/imports-student.ts": {
    text: 'import "../../student/forward.ts";',
    rule: "no-restricted-imports",
  },
  "src/student/imports-peer.ts": { text: 'import "../curate/select.ts";', rule: "no-restricted-imports" },
  "src/decode/imports-train.ts": { text: 'import "../train/schedule.ts";', rule: "no-restricted-imports" },
  "src/evaluate/imports-report.ts": { text: 'import "../report/markup.ts";', rule: "no-restricted-imports" },
  "src/report/imports-adapter.ts": { text: 'import "../adapters/file-system.ts";', rule: "no-restricted-imports" },
  "src/adapters/teacher/imports-pipeline.ts": {
    text: 'import "../../pipeline/stage.ts";',
    rule: "no-restricted-imports",
  },
  "src/live/imports-adapter.ts": { text: 'import "../adapters/file-system.ts";', rule: "no-restricted-imports" },
  "src/live/imports-node.ts": { text: 'import "node:fs";', rule: "no-restricted-imports" },
  "src/live/talks.ts": { text: 'export const page = fetch("https://example.org");', rule: "no-restricted-globals" },
  "src/ui/imports-pipeline.ts": { text: 'import "../pipeline/stage.ts";', rule: "no-restricted-imports" },
  "src/ui/imports-node.tsx": { text: 'import "node:fs";', rule: "no-restricted-imports" },
  "src/ui/views/talks.tsx": { text: 'export const page = fetch("/api/runs");', rule: "no-restricted-globals" },
  "src/server/imports-ui.ts": { text: 'import "../ui/route.ts";', rule: "no-restricted-imports" },
  "src/pipeline/imports-live.ts": { text: 'import "../live/main.ts";', rule: "no-restricted-imports" },
  "src/pipeline/imports-cli.ts": { text: 'import "../cli/app.ts";', rule: "no-restricted-imports" },
  "src/curate/imports-type.ts": {
    text: 'import type { Clock } from "../adapters/system-clock.ts";\nexport type Time = Clock;',
    rule: "no-restricted-imports",
  },
  "src/curate/imports-node.ts": { text: 'import "node:fs";', rule: "no-restricted-imports" },
  "src/curate/imports-bare-node.ts": { text: 'import "fs";', rule: "no-nodejs-modules" },
  "src/ledger/imports-client.ts": { text: 'import "undici";', rule: "no-restricted-imports" },
  "src/decode/uses-process.ts": { text: "export const here = process.cwd();", rule: "no-restricted-globals" },
  "src/evaluate/uses-clock.ts": { text: "export const time = Date.now();", rule: "no-restricted-globals" },
  "src/train/uses-random.ts": { text: "export const draw = Math.random();", rule: "no-restricted-properties" },
  "src/questions/uses-console.ts": { text: 'console.log("loud");', rule: "no-restricted-globals" },
  "src/adapters/exits.ts": { text: "process.exit(1);", rule: "no-restricted-properties" },
  "src/pipeline/reads-environment.ts": {
    text: "export const key = process.env.KEY;",
    rule: "no-restricted-properties",
  },
  "src/pipeline/talks.ts": { text: 'console.log("loud");', rule: "no-console" },
  "src/pipeline/cycle-a.ts": {
    text: 'import { b } from "./cycle-b.ts";\nexport const a = (): unknown => b;',
    rule: "no-cycle",
  },
  "src/pipeline/cycle-b.ts": {
    text: 'import { a } from "./cycle-a.ts";\nexport const b = (): unknown => a;',
    rule: "no-cycle",
  },
  "src/adapters/forgets-promise.ts": {
    text: "const work = async (): Promise<void> => undefined;\nwork();",
    rule: "no-floating-promises",
  },
  "src/adapters/long-function.ts": {
    text: `export function long(): void {\n${"  void 0;\n".repeat(61)}}`,
    rule: "max-lines-per-function",
  },
};

/** Files that look alike and are fine. */
const FINE: Readonly<Record<string, string>> = {
  "src/curate/imports-down.ts": 'import "../grade/exact.ts";\nimport "../core/prng.ts";',
  "src/adapters/engine/imports-down.ts": 'import "../../engine/arena.ts";\nimport "node:fs";',
  "src/pipeline/stages/imports-adapter-engine.ts": 'import "../../adapters/engine/open-engine.ts";',
  "src/ui/api/client.ts": 'import "../../report/page/page-api.ts";\nexport const answer = fetch("/api/runs");',
  "src/report/fine.test.ts": 'import "../adapters/file-system.ts";\nconsole.log(process.cwd());',
};

let folder: string;
let found: Map<string, string[]>;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "grappa-layers-"));
  const texts = { ...FINE, ...Object.fromEntries(Object.entries(BROKEN).map(([path, { text }]) => [path, text])) };
  for (const [path, text] of Object.entries(texts)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), `${text}\n`);
  }
  cpSync(".oxlintrc.json", join(folder, ".oxlintrc.json"));
  const compilerOptions = {
    target: "ES2022",
    module: "NodeNext",
    strict: true,
    noEmit: true,
    allowImportingTsExtensions: true,
  };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, include: ["src"] }));
  found = lint();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface LintOutput {
  readonly diagnostics: readonly { readonly filename: string; readonly code: string }[];
}

/** Rules broken, by file. */
function lint(): Map<string, string[]> {
  const bin = resolve("node_modules/.bin");
  const args = [resolve("node_modules/oxlint/bin/oxlint"), "--type-aware", "--format", "json"];
  const run = spawnSync(process.execPath, args, {
    cwd: folder,
    encoding: "utf8",
    env: { ...process.env, PATH: `${bin}:${process.env.PATH}` },
  });
  const { diagnostics } = JSON.parse(run.stdout) as LintOutput;
  const byFile = new Map<string, string[]>();
  for (const { filename, code } of diagnostics) byFile.set(filename, [...(byFile.get(filename) ?? []), code]);
  return byFile;
}

describe("the linter keeps the layers", () => {
  test.each(Object.entries(BROKEN))("%s is caught", (path, { rule }) => {
    expect(
      found.get(path)?.some((code) => code.includes(`(${rule})`)),
      `${path}: ${found.get(path)?.join(", ")}`,
    ).toBe(true);
  });

  test("imports that run downwards, and tests, are left alone", () => {
    for (const path of Object.keys(FINE)) expect(found.get(path) ?? [], path).toEqual([]);
  });

  test("every folder of src has its rule", () => {
    const { overrides } = JSON.parse(readFileSync(".oxlintrc.json", "utf8")) as {
      overrides: { files: string[]; rules: object }[];
    };
    const ruled = overrides.filter(({ rules }) => "no-restricted-imports" in rules).flatMap(({ files }) => files);
    const folders = readdirSync("src", { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name);
    // The command line stands on top: nothing is forbidden to it but what it lacks.
    for (const name of folders.filter((one) => one !== "cli")) expect(ruled, name).toContain(`src/${name}/**/*.ts`);
  });
});

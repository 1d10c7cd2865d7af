/** @file The packed tarball, installed into an empty folder: small enough, no install scripts, and its demo runs. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const MAX_TARBALL_BYTES = 15 * 1024 * 1024;
const work = mkdtempSync(join(tmpdir(), "grappa-package-"));
afterAll(() => rmSync(work, { recursive: true, force: true }));

function npm(args: readonly string[], cwd: string): string {
  const isWindows = process.platform === "win32";
  const { status, stdout, stderr } = spawnSync("npm", [...args], {
    cwd,
    encoding: "utf8",
    shell: isWindows,
    maxBuffer: 64 << 20,
  });
  expect(status, `npm ${args.join(" ")}\n${stderr}`).toBe(0);
  return stdout;
}

test("npm pack, install into an empty folder, npx grappa demo", () => {
  const [packed] = JSON.parse(npm(["pack", "--json", "--pack-destination", work], ROOT).replace(/^[^[]*/, "")) as [
    { filename: string; files: { path: string }[] },
  ];
  const tarball = join(work, packed.filename);
  expect(statSync(tarball).size).toBeLessThanOrEqual(MAX_TARBALL_BYTES);
  const paths = packed.files.map(({ path }) => path);
  expect(paths).toContain("dist/engine/kernels/wasm/kernels-simd.wasm");
  expect(paths).toContain("dist/engine/kernels/wasm/kernels-page.wasm");
  expect(paths).toContain("dist/live/bundle.js");
  expect(paths).toContain("dist/live/xray.js");
  expect(paths).toContain("dist/ui/index.html");
  expect(paths).toContain("dist/ui/LICENCES.txt");
  expect(paths).toContain("models/demo-base/model.safetensors");
  // What a job runs on PyTorch is shipped; its tests and tools are not.
  for (const path of ["train.py", "ray_train.py", "hf_job.py", "requirements.txt", "grappa_torch/training.py"])
    expect(paths).toContain(`python/${path}`);
  expect(
    paths.filter((path) => /^(src|test|runs|assembly|python\/(?!grappa_torch\/)[^/]+)\/|\.pyc$/.test(path)),
  ).toEqual([]);

  writeFileSync(join(work, "package.json"), '{"private":true}\n');
  npm(["install", "--no-audit", "--no-fund", tarball], work);
  const { scripts = {} } = JSON.parse(readFileSync(join(work, "node_modules/grappa/package.json"), "utf8")) as {
    scripts?: Record<string, string>;
  };
  for (const script of ["preinstall", "install", "postinstall", "prepare"]) expect(scripts).not.toHaveProperty(script);

  // The demo's every stage on a tenth of its data: that it is whole is the demo's own business.
  const small = [
    "collect.sources.0.count=300",
    "collect.sources.1.count=300",
    "select.count=100",
    "train.epochs=1",
    "evaluate.count=20",
  ];
  const out = npm(
    ["exec", "--offline", "--", "grappa", "demo", "--json", ...small.flatMap((each) => ["--set", each])],
    work,
  );
  const result = JSON.parse(out.trim().split("\n").at(-1) ?? "") as {
    funnel: { stage: string; kept: number }[];
    student: { n: number };
  };
  expect(result.student.n).toBe(20);
  expect(result.funnel.find(({ stage }) => stage === "select")?.kept).toBe(100);
});

/** @file The Python for tests with the real trainer, and why there is none. */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { resolve } from "node:path";

/** A tier that cannot run says why; with CI set that is a failure. */
export interface TierState {
  readonly missing: string | undefined;
}

/** The Python that has PyTorch and TRL, or what is missing for it. */
export function torchPython(): TierState & { readonly python: string } {
  const python = resolve(process.env["GRAPPA_TORCH_PYTHON"] ?? ".venv/bin/python");
  if (!existsSync(python))
    return { python, missing: `no ${python}: \`npm run test:python\` makes .venv, or set GRAPPA_TORCH_PYTHON` };
  const code = "from importlib import metadata; print(*[metadata.version(name) for name in ('torch', 'trl')])";
  const { status, stderr } = spawnSync(python, ["-c", code], { encoding: "utf8" });
  return {
    python,
    missing: status === 0 ? undefined : `${python} has no trainer: ${stderr.trim().split("\n").at(-1)}`,
  };
}

/** Whether to run the tier: prints why it is skipped. Throws with CI set, where nothing may be skipped. */
export function canRun(tier: string, { missing }: TierState): boolean {
  if (missing === undefined) return true;
  if (process.env["CI"]) throw new Error(`${tier} tier cannot run: ${missing}`);
  console.warn(`${tier} tier SKIPPED: ${missing}`);
  return false;
}

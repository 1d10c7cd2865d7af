/** @file Programs and a Python that stand in for PyTorch in tests of the launchers for machines of one's own. */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { shellLine, shellWord } from "../../src/adapters/launchers/shell-words.ts";
import type { JobSpec, LauncherWorld } from "../../src/adapters/launchers/launcher.ts";
import type { JobBehaviour } from "./launcher-contract.ts";

/** A program of the stand-in. */
export interface StandInProgram extends JobBehaviour {
  /** Steps of 100 ms with a checkpoint each; another try goes on where the last one stopped. */
  readonly steps?: number;
  /** On SIGTERM: saves a file and ends with 0, does not listen, or ends with 143. */
  readonly onTerm?: "saves" | "ignores" | "ends";
}

/** Writes an executable that behaves like a Python, with settings as variables STAND_IN_...; returns its path. */
export function writeStandInPython(path: string, settings: Readonly<Record<string, string>> = {}): string {
  const variables = Object.entries(settings).map(([name, value]) => `export ${name}=${shellWord(value)}\n`);
  const script = resolve("test/launch/stand-in-python.mjs");
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `#!/bin/sh\n${variables.join("")}exec ${shellLine([process.execPath, script])} "$@"\n`, {
    mode: 0o755,
  });
  return path;
}

/** A job that runs such a program; held until `releaseFile` is there. */
export function standInSpec(
  name: string,
  program: StandInProgram,
  more: { readonly releaseFile?: string; readonly isDistributed?: boolean } = {},
): JobSpec {
  const text = JSON.stringify({ ...program, releaseFile: more.releaseFile });
  return {
    name,
    files: [{ path: "program.py", bytes: Buffer.from(text) }],
    program: "program.py",
    args: [],
    isDistributed: more.isDistributed ?? false,
    requirements: "",
    environment: {},
    timeoutSeconds: null,
  };
}

/** A world below a folder; what is told and warned of is kept. */
export function standInWorld(folder: string): LauncherWorld & { readonly told: string[]; readonly warned: string[] } {
  const told: string[] = [];
  const warned: string[] = [];
  return {
    secrets: () => undefined,
    cacheFolder: join(folder, "cache"),
    jobsFolder: join(folder, "jobs"),
    warn: (message) => void warned.push(message),
    tell: (message) => void told.push(message),
    told,
    warned,
  };
}

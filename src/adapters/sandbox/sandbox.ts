/** @file What backends share: the place they look for programs in, what a probe says, and the canary that it rests on. */
import { access, constants, realpath, stat } from "node:fs/promises";
import { isAbsolute, join } from "node:path";
import type { CodeLimits, CodeRunner, CodeRunResult } from "../../grade/code/code-runner.ts";
import { runProcess } from "./bounded-process.ts";

/** Where programs are found when nothing else is said. */
export const SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** The machine as a backend sees it. */
export interface SandboxHost {
  /** Folders to look for programs in, as PATH has them. */
  readonly path: string;
  /** The user id that runs use when this process is root. */
  readonly unprivilegedUid: number;
  /** A Python 3 interpreter to prefer. */
  readonly python?: string;
  /** Image of the container backend; it must be there, none is pulled. */
  readonly image: string;
  /** Node's own binary, for Pyodide. */
  readonly node: string;
  /** Interpreters of Pyodide kept ready. */
  readonly spares: number;
}

/** A backend that works here, or why it does not. */
export type SandboxProbe =
  | { readonly status: "ok"; readonly runner: CodeRunner }
  | { readonly status: "unavailable"; readonly backend: CodeRunner["backend"]; readonly reason: string };

/** A kind of sandbox. */
export interface SandboxBackend {
  readonly name: CodeRunner["backend"];
  /** Tries it with the canary. */
  open(host: SandboxHost, signal: AbortSignal): Promise<SandboxProbe>;
}

/** The full path of a program, or undefined. */
export async function findProgram(name: string, path: string): Promise<string | undefined> {
  const places = isAbsolute(name)
    ? [name]
    : path
        .split(":")
        .filter(isAbsolute)
        .map((folder) => join(folder, name));
  for (const place of places) {
    const isFile = (await stat(place).catch(() => undefined))?.isFile() ?? false; // absent, or not for us to see
    if (
      isFile &&
      (await access(place, constants.X_OK).then(
        () => true,
        () => false,
      ))
    )
      return place;
  }
  return undefined;
}

/** The same behind every link, for a program that is started where only /usr is. */
export async function findInSystem(name: string, path: string): Promise<string | undefined> {
  const found = await findProgram(name, path);
  return found === undefined ? undefined : await realpath(found);
}

/** What a program prints with these arguments, trimmed; empty when it fails. For our own questions to our own tools. */
export async function outputOf(file: string, args: readonly string[], signal: AbortSignal): Promise<string> {
  const use = { stdin: "", wallMs: 10_000, outputBytes: 10_000 };
  const end = await runProcess({ file, args, env: { PATH: SYSTEM_PATH }, cwd: "/" }, use, signal);
  return end.cause === "exited" && end.exitCode === 0 ? end.stdout.trim() : "";
}

/** Whether this process is root. */
export const isRoot = (): boolean => process.getuid?.() === 0;

/** Limits of the canary: time for a cold start, little else. */
const CANARY_LIMITS: CodeLimits = {
  wallMs: 60_000,
  cpuSeconds: 60,
  memoryBytes: 1 << 30,
  processes: 32,
  fileBytes: 1 << 20,
  outputBytes: 10_000,
};

const CANARY = `import sys
from second import value
print(value + sum(range(10)), sys.stdin.read(), sys.version_info[0], open("written", "w").write("abc"))
`;

/** Runs a program that reads its input, a second file and writes one; undefined when it said what it must, else what went wrong. */
export async function canaryFailure(runner: Pick<CodeRunner, "run">, signal: AbortSignal): Promise<string | undefined> {
  const files = { "main.py": CANARY, "second.py": "value = 1000\n" };
  const result = await runner.run({ language: "python", files, stdin: "canary", limits: CANARY_LIMITS }, signal);
  return result.status === "ok" && result.stdout === "1045 canary 3 3\n" ? undefined : failureText(result);
}

function failureText({ status, exitCode, stdout, stderr }: CodeRunResult): string {
  const said = (stderr.trim() || stdout.trim()).split("\n").at(-1) ?? "";
  return `a trial program ended with ${status}${exitCode === null ? "" : `, exit status ${exitCode}`}: ${said.slice(0, 300) || "it printed nothing"}`;
}

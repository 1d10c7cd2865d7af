/** @file The sandbox to use: the first that runs a trial program, in a fixed order; none is a refusal that says why. */
import { availableParallelism } from "node:os";
import { AppError } from "../../core/errors.ts";
import type { CodeRunner } from "../../grade/code/code-runner.ts";
import { bubblewrap } from "./bubblewrap.ts";
import { container } from "./container.ts";
import { pyodide } from "./pyodide.ts";
import { runPool } from "./run-pool.ts";
import { type SandboxBackend, type SandboxHost, SYSTEM_PATH } from "./sandbox.ts";
import { unsafeLocal } from "./unsafe-local.ts";

/** What a caller may choose. */
export interface CodeRunnerOptions {
  /** Takes a sandbox that leaves something open (`--allow-partial-sandbox`). */
  readonly allowPartialSandbox?: boolean;
  /** Runs code without a sandbox where there is none (`--unsafe-local`). */
  readonly unsafeLocal?: boolean;
  /** This backend and no other. */
  readonly backend?: CodeRunner["backend"];
  /** Runs at a time; the number of processors by default. */
  readonly concurrency?: number;
  /** PATH, to find programs in; the system's folders by default. */
  readonly path?: string;
  /** User id for runs when this process is root; 65534 (nobody) by default. */
  readonly unprivilegedUid?: number;
  /** A Python 3 interpreter to use instead of those found. */
  readonly python?: string;
  /** Image of the container backend; `python:3.12-slim` by default. */
  readonly image?: string;
  /** Interpreters that Pyodide keeps ready; one for each place by default. */
  readonly spares?: number;
}

/** In the order in which they are tried. */
const BACKENDS: readonly SandboxBackend[] = [bubblewrap, container, pyodide, unsafeLocal];

/**
 * Opens the first sandbox that works here. Throws AppError "sandbox" where none does, or none that is whole and partial ones were
 * not allowed; its message lists each backend with its reason.
 */
export async function openCodeRunner(
  options: CodeRunnerOptions = {},
  signal: AbortSignal = new AbortController().signal,
): Promise<CodeRunner> {
  const host = hostOf(options);
  const reasons: string[] = [];
  for (const backend of backendsFor(options)) {
    const probe = await backend.open(host, signal);
    if (probe.status === "unavailable") {
      reasons.push(`${probe.backend}: ${probe.reason}`);
      continue;
    }
    const { runner } = probe;
    if (isAllowed(runner, options)) return pooled(runner, options.concurrency ?? availableParallelism());
    await runner.close();
    reasons.push(`${runner.backend}: works, but leaves something open (${runner.version})`);
  }
  throw new AppError("sandbox", `no sandbox here can run code: ${reasons.join("; ")}`, {
    hint: "Install bubblewrap, util-linux and python3, or start Docker; --allow-partial-sandbox takes a partial sandbox, --unsafe-local none at all.",
    data: { probed: reasons },
  });
}

function hostOf(options: CodeRunnerOptions): SandboxHost {
  return {
    path: options.path ?? SYSTEM_PATH,
    unprivilegedUid: options.unprivilegedUid ?? 65_534,
    ...(options.python === undefined ? {} : { python: options.python }),
    image: options.image ?? "python:3.12-slim",
    node: process.execPath,
    spares: options.spares ?? options.concurrency ?? availableParallelism(),
  };
}

function backendsFor({ backend, unsafeLocal: isUnsafe }: CodeRunnerOptions): readonly SandboxBackend[] {
  return BACKENDS.filter(({ name }) => {
    if (name === "unsafe-local" && !isUnsafe) return false; // naming it is not enough
    return backend === undefined || name === backend;
  });
}

function isAllowed(runner: CodeRunner, options: CodeRunnerOptions): boolean {
  return !runner.isPartial || options.allowPartialSandbox === true || runner.backend === "unsafe-local";
}

function pooled(runner: CodeRunner, places: number): CodeRunner {
  const pool = runPool(places);
  return { ...runner, run: (run, signal) => pool(() => runner.run(run, signal), signal) };
}

/** @file The port to a sandbox that runs generated code. The code is hostile: it is never run in this process. */

/** What a run may use; reaching one ends it. */
export interface CodeLimits {
  readonly wallMs: number;
  readonly cpuSeconds: number;
  /** Address space of one process, and memory of all processes together. */
  readonly memoryBytes: number;
  readonly processes: number;
  /** Size of one file, and of the run's own temporary file system. */
  readonly fileBytes: number;
  /** Of standard output and standard error, each; more ends the run. */
  readonly outputBytes: number;
}

/** One program. */
export interface CodeRun {
  readonly language: "python";
  /** Text by relative path; `main.py` is run. */
  readonly files: Readonly<Record<string, string>>;
  readonly stdin: string;
  readonly limits: CodeLimits;
}

/** How a run ended; `sandbox_error` says nothing of the program. */
export type CodeRunStatus = "ok" | "timeout" | "oom" | "output_limit" | "crash" | "sandbox_error";

/** What came of it. `ok` means that the program ended by itself with status 0: no verdict, since it may have left early. */
export interface CodeRunResult {
  readonly status: CodeRunStatus;
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly wallMs: number;
}

/** A sandbox. Runs share nothing: each has its own temporary file system, no network and no environment. */
export interface CodeRunner {
  /** Which backend it is, recorded with every score. */
  readonly backend: "bubblewrap" | "container" | "pyodide" | "unsafe-local";
  readonly version: string;
  /** Whether it leaves something open, for example the network. */
  readonly isPartial: boolean;
  /** Never rejects for what the program does; more runs than the pool has places wait their turn. */
  run(run: CodeRun, signal: AbortSignal): Promise<CodeRunResult>;
  close(): Promise<void>;
}

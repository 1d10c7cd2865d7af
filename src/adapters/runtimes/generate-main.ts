/** @file The entry of dist/generate/generate.mjs; see generate-program.ts. Exit status: 0 done, 3 stopped in time, 1 failed. */
import { parseArgs } from "node:util";
import { AppError } from "../../core/errors.ts";
import { EVENT_MARK } from "../../schema/training-job.ts";
import { runGenerateProgram } from "./generate-program.ts";

const { values } = parseArgs({
  options: {
    job: { type: "string", default: "job.json" },
    out: { type: "string", default: "out" },
    model: { type: "string", default: "student" },
    server: { type: "string", default: "http://127.0.0.1:8000/v1" },
    seconds: { type: "string" },
  },
});

const tell = (event: object): void => void process.stdout.write(`${EVENT_MARK}${JSON.stringify(event)}\n`);
const stop = new AbortController();
process.once("SIGTERM", () => stop.abort(new Error("SIGTERM")));
process.once("SIGINT", () => stop.abort(new Error("SIGINT")));
const timer = setTimeout(
  () => stop.abort(new Error("its time is over")),
  Math.min(2 ** 31 - 1, 1000 * Number(values.seconds ?? Number.POSITIVE_INFINITY)),
);
const options = { jobFile: values.job, outFolder: values.out, model: values.model, baseUrl: values.server };
runGenerateProgram({ ...options, signal: stop.signal, tell })
  .catch((error: unknown) => {
    const isStopped = error instanceof AppError && error.code === "interrupted";
    process.exitCode = isStopped ? 3 : 1;
    const message = error instanceof Error ? error.message : String(error);
    const hint = error instanceof AppError ? (error.hint ?? null) : null;
    if (!isStopped) tell({ type: "failure", code: "error", message, hint });
  })
  .finally(() => clearTimeout(timer));

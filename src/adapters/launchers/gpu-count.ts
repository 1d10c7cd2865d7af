import { AppError } from "../../core/errors.ts";
import { runCommand } from "./run-command.ts";

/** NVIDIA GPUs that a job on this machine may use; 0 where there are none, or nothing that knows them. */
export async function countGpus(visible: string | undefined, signal: AbortSignal): Promise<number> {
  const found = await runCommand(["nvidia-smi", "-L"], signal, { timeoutMs: 30_000 }).then(
    ({ exitCode, stdout }) => (exitCode === 0 ? stdout.split("\n").filter((line) => /^GPU \d+:/.test(line)).length : 0),
    (error: unknown) => {
      if (error instanceof AppError && error.code === "interrupted") throw error;
      return 0;
    },
  );
  if (visible === undefined || visible.trim() === "") return visible === undefined ? found : 0;
  // What stands behind -1, or the first place that is none, is not used.
  const places = visible.split(",").map((place) => place.trim());
  const end = places.findIndex((place) => place === "" || place.startsWith("-"));
  return Math.min(found, end < 0 ? places.length : end);
}

import type { JobHandle, Launcher } from "../../../adapters/launchers/launcher.ts";

const STOP_HINTS = {
  ray: ({ id }: JobHandle) => `\`ray job stop ${id}\` stops it`,
  slurm: ({ id }: JobHandle) => `\`scancel ${id}\` stops it`,
  "hf-jobs": ({ id }: JobHandle) => `\`hf jobs cancel ${id}\` stops it`,
} as const;

/**
 * Ctrl-C: a job on this machine is stopped, and goes on later from what it kept; one elsewhere goes on, and the user is told how
 * to stop it.
 *
 * @param what in messages: "the evaluation"
 * @param keeps what it goes on from: "its last checkpoint"
 */
export async function leaveJob(
  launcher: Launcher,
  handle: JobHandle,
  { what, keeps, warn }: { readonly what: string; readonly keeps: string; warn(message: string): void },
): Promise<"stopped" | "goes-on"> {
  if (launcher.type !== "torchrun") {
    const stop = STOP_HINTS[launcher.type](handle);
    warn(
      `${what}, job ${handle.id}, goes on at ${launcher.type}, and costs what it costs; the same command follows it again, ${stop}`,
    );
    return "goes-on";
  }
  try {
    await launcher.cancel(handle, AbortSignal.timeout(5_000));
    warn(`${what} on this machine is stopped; the same command goes on from ${keeps}`);
    return "stopped";
  } catch (error) {
    warn(`${what} on this machine could not be stopped: ${error instanceof Error ? error.message : String(error)}`);
    return "goes-on";
  }
}

/** @file How a program is started with PyTorch: once, or once for each GPU by `torch.distributed.run`. */
import { availableParallelism } from "node:os";
import { AppError } from "../../core/errors.ts";
import type { TorchrunFields } from "../../schema/training-fields.ts";
import type { JobSpec } from "./launcher.ts";

/** What a job gets to save its checkpoint once it is told to end. */
export const GRACE_SECONDS = 120;

/** Processes of a job, and the GPUs that they hold. */
export interface ProcessPlan {
  readonly processes: number;
  readonly gpus: number;
}

/**
 * Processes and GPUs for what the recipe asks of this machine.
 *
 * @param found GPUs of the machine
 * @throws AppError "usage" where it asks for GPUs that are not there
 */
export function planProcesses({ device, processes }: TorchrunFields, found: number): ProcessPlan {
  if (device === "cpu" || (device === "auto" && found === 0)) return { processes: processes ?? 1, gpus: 0 };
  if (found === 0)
    throw new AppError("usage", 'train.launcher.device is "cuda", and nvidia-smi finds no GPU here', {
      hint: 'use "auto" or "cpu", or check the driver and CUDA_VISIBLE_DEVICES',
    });
  const wanted = processes ?? found;
  if (wanted > found)
    throw new AppError("usage", `train.launcher.processes is ${wanted}, and this machine has ${found} GPUs to use`, {
      hint: 'one process takes one GPU; ask for fewer, or for device "cpu"',
      data: { processes: wanted, gpus: found },
    });
  return { processes: wanted, gpus: wanted };
}

/**
 * The command line of a job on this machine. The agent starts no workers again (its default): those of a second attempt may wait
 * for ever in gloo's connecting, and whoever submits the job again starts with a fresh store.
 */
export function torchrunCommand(
  python: string,
  { program, args, isDistributed }: Pick<JobSpec, "program" | "args" | "isDistributed">,
  processes: number,
): [string, ...string[]] {
  if (!isDistributed) return [python, "-u", program, ...args];
  const agent = ["--standalone", "--nproc-per-node", String(processes)];
  return [python, "-m", "torch.distributed.run", ...agent, program, ...args];
}

/** Variables that every job on PyTorch gets; the job's own go before them. */
export function torchEnvironment({ processes, gpus }: ProcessPlan): Record<string, string> {
  return {
    // Else PyTorch takes every core for each process, or one core for all, and sums depend on which.
    OMP_NUM_THREADS: String(Math.max(1, Math.floor(availableParallelism() / processes))),
    TORCH_ELASTIC_SHUTDOWN_TIMEOUT: String(GRACE_SECONDS),
    PYTHONUNBUFFERED: "1",
    ...(gpus === 0 ? { CUDA_VISIBLE_DEVICES: "" } : {}),
  };
}

/** @file Looks for a Python that can make an environment. */
import { AppError } from "../../core/errors.ts";
import { throwIfInterrupted } from "./interruption.ts";
import { runCommand } from "./run-command.ts";

/** The Python that PyTorch's and TRL's newest releases want. */
const LOWEST = [3, 10] as const;
const CANDIDATES = ["python3", "python3.13", "python3.12", "python3.11", "python3.10", "python"];

/** A Python and what an environment depends on. */
export interface FoundPython {
  readonly command: string;
  /** Such as 3.12.1. */
  readonly version: string;
  /** Such as linux-x86_64. */
  readonly platform: string;
}

const FACTS = `import sys, sysconfig
print("%d.%d.%d" % sys.version_info[:3], sysconfig.get_platform())`;

/**
 * The first of these commands that is a Python 3.10 or newer.
 *
 * @throws AppError "usage", with what there is
 */
export async function findPython(
  signal: AbortSignal,
  candidates: readonly string[] = CANDIDATES,
): Promise<FoundPython> {
  const old: string[] = [];
  for (const command of candidates) {
    const end = await runCommand([command, "-c", FACTS], signal, { timeoutMs: 60_000 }).catch(() => {
      throwIfInterrupted(signal);
      return undefined;
    });
    const facts = /^(\d+)\.(\d+)\.\d+ (\S+)$/m.exec(end?.exitCode === 0 ? end.stdout : "");
    if (facts === null) continue;
    const version = facts[0].split(" ")[0] ?? "";
    if (Number(facts[1]) > LOWEST[0] || (Number(facts[1]) === LOWEST[0] && Number(facts[2]) >= LOWEST[1]))
      return { command, version, platform: facts[3] ?? "" };
    old.push(`${command} is ${version}`);
  }
  const what =
    old.length > 0 ? `${old.join(", ")}, and 3.10 is needed` : `none of ${candidates.join(", ")} is a Python`;
  throw new AppError("usage", `no Python for PyTorch: ${what}`, {
    hint: "install Python 3.10 or newer, name one in train.launcher.python, or leave train.launcher out: the embedded engine needs none",
    data: { candidates },
  });
}

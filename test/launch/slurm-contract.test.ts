import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SlurmLauncher } from "../../src/adapters/launchers/slurm-launcher.ts";
import type { SlurmFields } from "../../src/schema/training-fields.ts";
import { openFakeSlurm } from "./fake-slurm.ts";
import { type LauncherBench, launcherContract } from "./launcher-contract.ts";
import { standInSpec, writeStandInPython } from "./stand-in.ts";

async function openBench(fields: Partial<SlurmFields>): Promise<LauncherBench> {
  const folder = mkdtempSync(join(tmpdir(), "grappa slurm's-"));
  const slurm = openFakeSlurm(folder);
  const python = writeStandInPython(join(folder, "python3"));
  const whole: SlurmFields = {
    type: "slurm",
    folder: join(folder, "shared 100%"),
    nodes: 1,
    gpusPerNode: 0,
    options: [],
    setup: [],
    python,
    ...fields,
  };
  const releaseFile = (name: string): string => join(folder, `release-${name}`);
  return {
    launcher: new SlurmLauncher(whole),
    reopen: async () => new SlurmLauncher(whole),
    spec: (name, behaviour) => standInSpec(name, behaviour, { releaseFile: releaseFile(name) }),
    release: async (name) => writeFileSync(releaseFile(name), ""),
    close: async () => {
      slurm.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

launcherContract("Slurm, by sbatch here", () => openBench({}), { patienceMs: 30_000 });

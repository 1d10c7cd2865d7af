import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openTorchrunLauncher } from "../../src/adapters/launchers/torchrun-launcher.ts";
import { type LauncherBench, launcherContract } from "./launcher-contract.ts";
import { standInSpec, standInWorld, writeStandInPython } from "./stand-in.ts";

async function openBench(): Promise<LauncherBench> {
  const folder = mkdtempSync(join(tmpdir(), "grappa-local-"));
  const python = writeStandInPython(join(folder, "python3"));
  const fields = { type: "torchrun", device: "cpu", python } as const;
  const open = () => openTorchrunLauncher(fields, standInWorld(folder), new AbortController().signal);
  const releaseFile = (name: string): string => join(folder, `release-${name}`);
  return {
    launcher: await open(),
    reopen: open,
    spec: (name, behaviour) => standInSpec(name, behaviour, { releaseFile: releaseFile(name) }),
    release: async (name) => writeFileSync(releaseFile(name), ""),
    close: async () => rmSync(folder, { recursive: true, force: true }),
  };
}

launcherContract("torchrun, on this machine", openBench);

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openRayBench } from "./ray-bench.ts";
import { launcherContract } from "./launcher-contract.ts";

const folder = (): string => mkdtempSync(join(tmpdir(), "grappa-ray-"));

launcherContract("ray, on the fake", async () => {
  const storage = folder();
  const bench = await openRayBench({ storage });
  return { ...bench, close: async () => (await bench.close(), rmSync(storage, { recursive: true, force: true })) };
});

launcherContract("ray, where sockets close after each line, answers are slow and a token is wanted", async () => {
  const storage = folder();
  const bench = await openRayBench({ storage, fake: { token: "a-token-of-the-cluster", delayMs: 15 } });
  bench.fake.linesOfSocket = 1;
  return { ...bench, close: async () => (await bench.close(), rmSync(storage, { recursive: true, force: true })) };
});

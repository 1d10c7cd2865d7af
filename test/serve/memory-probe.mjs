// Loaded into a server's process by --import: on a message it collects garbage and tells what is left.
import { isMainThread } from "node:worker_threads";

if (isMainThread && process.send !== undefined) {
  process.on("message", async () => {
    // What finalisers let go of is collected by the next round.
    for (let round = 0; round < 4; round++) {
      globalThis.gc();
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    const { heapUsed, external } = process.memoryUsage();
    const resources = {};
    for (const name of process.getActiveResourcesInfo()) resources[name] = (resources[name] ?? 0) + 1;
    process.send({ heapBytes: heapUsed + external, resources });
  });
  process.channel.unref();
}

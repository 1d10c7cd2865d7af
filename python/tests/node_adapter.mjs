// Writes a student with random adapters on a base, for the request on standard input: { base, to, rank, alpha }. The student's
// folder holds the merged weights, and the adapters in adapter/.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { writeAdapterFolder } from "../../dist/adapters/adapter-folder.js";
import { readModelFolder, writeModelFolder } from "../../dist/adapters/model-folder.js";
import { prng } from "../../dist/core/prng.js";
import { initialAdapter, mergeAdapter } from "../../dist/student/lora.js";

const { base, to, rank, alpha } = JSON.parse(readFileSync(0, "utf8"));
const { config, tensors } = await readModelFolder(base);
const settings = { rank, alpha };
const adapter = initialAdapter(config, settings, 1);
const random = prng("adapter");
for (const { data } of adapter.values()) for (let i = 0; i < data.length; i++) data[i] = 0.1 * random.normal();
const merged = mergeAdapter(config, { tensors, adapter, settings });
await writeModelFolder(to, { config, tensors: merged, tokenizerFrom: base, readme: "# Adapted, for tests\n" });
await writeAdapterFolder(join(to, "adapter"), { adapter, settings, base: "base" });
process.stdout.write(JSON.stringify({ names: [...adapter.keys()] }));

// A launcher in a process of its own, to be killed: node launcher-process.mjs '{"fields", "world", "spec"}'; prints the handle.
import { openTorchrunLauncher } from "../../dist/adapters/launchers/torchrun-launcher.js";

const { fields, world, spec } = JSON.parse(process.argv[2]);
const quiet = { secrets: () => undefined, warn: () => undefined, tell: () => undefined };
const signal = new AbortController().signal;
const launcher = await openTorchrunLauncher(fields, { ...world, ...quiet }, signal);
const files = spec.files.map(({ path, text }) => ({ path, bytes: Buffer.from(text) }));
const handle = await launcher.submit({ ...spec, files }, signal);
console.log(JSON.stringify(handle));
for await (const line of launcher.logs(handle, signal)) console.log(line);

// Reads a student and writes it again, for the request on standard input: { from, to }.
import { readFileSync } from "node:fs";
import { readModelFolder, writeModelFolder } from "../../dist/adapters/model-folder.js";

const { from, to } = JSON.parse(readFileSync(0, "utf8"));
const { config, tensors } = await readModelFolder(from);
await writeModelFolder(to, { config, tensors, tokenizerFrom: from, readme: "# A copy, for tests\n" });
process.stdout.write("{}");

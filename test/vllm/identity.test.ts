import { resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { IDENTITY_FOLDER } from "../identity.ts";
import { startPythonServer } from "../torch/python-server.ts";
import { IDENTITY_CONTEXT, ServedIdentity } from "../torch/served-identity.ts";

const python = process.env["GRAPPA_VLLM_PYTHON"] ?? "";
const FLAGS = [
  resolve(IDENTITY_FOLDER),
  "--served-model-name=student",
  `--max-model-len=${IDENTITY_CONTEXT}`,
  "--dtype=float32",
  "--generation-config=vllm",
  "--gpu-memory-utilization=0.3",
];
const SILENT = { VLLM_NO_USAGE_STATS: "1", DO_NOT_TRACK: "1" };

let identity: ServedIdentity;
beforeAll(async () => {
  identity = await ServedIdentity.open();
});
afterAll(() => identity.close());

test("the same checkpoint in vLLM itself, behind `grappa serve --upstream`", async () => {
  const server = await startPythonServer(
    python,
    (port) => ["-m", "vllm.entrypoints.cli.main", "serve", ...FLAGS, "--host", "127.0.0.1", "--port", port],
    SILENT,
  );
  const model = await identity.openAt(server, "student");
  // Ids, forbidden ones, stops: it can do all that is asked, but draw as the embedded engine does.
  expect(model.runtime.limits).toEqual([expect.stringContaining("with a temperature the server draws")]);
  await identity.compare("vLLM", model);
});

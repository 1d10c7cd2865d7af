import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { IDENTITY_FOLDER } from "../identity.ts";
import { canRun, torchPython } from "../launch/torch-python.ts";
import { startPythonServer } from "./python-server.ts";
import { IDENTITY_CONTEXT, ServedIdentity } from "./served-identity.ts";

const state = torchPython();
/** Threads that wait for one another spin: dear for a model this small. */
const ONE_THREAD = { OMP_NUM_THREADS: "1" };

describe.runIf(canRun("torch", state))("the same checkpoint behind a server of completions", () => {
  const folder = resolve(IDENTITY_FOLDER);
  const cache = mkdtempSync(join(tmpdir(), "grappa-identity-"));
  let identity: ServedIdentity;
  beforeAll(async () => {
    identity = await ServedIdentity.open();
  });
  afterAll(async () => {
    await identity.close();
    rmSync(cache, { recursive: true, force: true });
  });

  test("in ids: the stand-in for vLLM over transformers", async () => {
    const served = [folder, "--served-model-name", "student", "--max-model-len", String(IDENTITY_CONTEXT)];
    const server = await startPythonServer(
      state.python,
      (port) => ["python/completions_server.py", ...served, "--port", port, "--device", "cpu", "--dtype", "float32"],
      ONE_THREAD,
    );
    await identity.compare("the stand-in", await identity.openAt(server, "student"));
  });

  // Its every token costs some milliseconds of Python: all prompts take many minutes, so every fifth unless GRAPPA_IDENTITY=all.
  test("in text: transformers serve", { timeout: 1_800_000 }, async () => {
    const server = await startPythonServer(
      join(dirname(state.python), "transformers"),
      (port) => ["serve", folder, "--host", "127.0.0.1", "--port", port, "--device", "cpu", "--dtype", "float32"],
      { ...ONE_THREAD, HF_HOME: cache },
    );
    const model = await identity.openAt(server, folder);
    // Text is its only lack: ids are forbidden, and stops held back, by a GenerationConfig.
    expect(model.runtime.limits).toHaveLength(2);
    expect(model.runtime.limits[0]).toMatch(/takes or returns text alone/);
    await identity.compare("transformers serve", model, process.env["GRAPPA_IDENTITY"] === "all" ? 1 : 5);
  });
});

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Generation } from "../../src/decode/row.ts";
import { openServedModel } from "../../src/server/open-served-model.ts";
import { openUpstreamModel } from "../../src/server/open-upstream-model.ts";
import type { ServedModel } from "../../src/server/served-model.ts";
import { everyQuestion, expectEveryKind, expectSame, FIVE_BUDGETS, IDENTITY_FOLDER, repliesOf } from "../identity.ts";
import { canRun, torchPython } from "../launch/torch-python.ts";
import { type PythonServer, startPythonServer } from "./python-server.ts";

const state = torchPython();
const usual = { id: "demo", slots: 4, waits: 0, waitText: "Wait" };
const CONTEXT = 1024;
/** Threads that wait for one another spin: dear for a model this small. */
const ONE_THREAD = { OMP_NUM_THREADS: "1" };

describe.runIf(canRun("torch", state))("the same checkpoint behind a server of completions", () => {
  const all = everyQuestion();
  const folder = resolve(IDENTITY_FOLDER);
  let embedded: ServedModel;
  let reference: Generation[];
  const opened: PythonServer[] = [];
  const cache = mkdtempSync(join(tmpdir(), "grappa-identity-"));
  beforeAll(async () => {
    embedded = await openServedModel({ ...usual, threads: 1, folder: IDENTITY_FOLDER });
    reference = await repliesOf(embedded, all);
    await embedded.runtime.close();
  });
  afterAll(async () => {
    for (const server of opened) await server.stop();
    rmSync(cache, { recursive: true, force: true });
  });

  /** Opens what is served, through the door of `grappa serve --upstream`. */
  const openAt = async (server: PythonServer, model: string): Promise<ServedModel> => {
    opened.push(server);
    const more = { tokenizerFolder: IDENTITY_FOLDER, contextTokens: CONTEXT, spellings: "refuse" } as const;
    return await openUpstreamModel({ ...usual, ...more, upstream: server.baseUrl, model });
  };
  /** Every `step`th prompt, under all budgets. */
  const compare = async (name: string, model: ServedModel, step = 1): Promise<void> => {
    const isAsked = (_: unknown, place: number): boolean => Math.floor(place / FIVE_BUDGETS.length) % step === 0;
    const asked = all.filter(isAsked);
    const replies = await repliesOf(model, asked);
    await model.runtime.close();
    const parted = await expectSame(asked, reference.filter(isAsked), replies);
    console.info(`${name}: ${parted} of ${asked.length} replies part, at near ties`);
    expectEveryKind(model, replies);
  };

  test("in ids: the stand-in for vLLM over transformers", async () => {
    const served = [folder, "--served-model-name", "student", "--max-model-len", String(CONTEXT)];
    const server = await startPythonServer(
      state.python,
      (port) => ["python/completions_server.py", ...served, "--port", port, "--device", "cpu", "--dtype", "float32"],
      ONE_THREAD,
    );
    await compare("the stand-in", await openAt(server, "student"));
  });

  // Its every token costs some milliseconds of Python: all prompts take many minutes, so every fifth unless GRAPPA_IDENTITY=all.
  test("in text: transformers serve", { timeout: 1_800_000 }, async () => {
    const server = await startPythonServer(
      join(dirname(state.python), "transformers"),
      (port) => ["serve", folder, "--host", "127.0.0.1", "--port", port, "--device", "cpu", "--dtype", "float32"],
      { ...ONE_THREAD, HF_HOME: cache },
    );
    const model = await openAt(server, folder);
    // Text is its only lack: ids are forbidden, and stops held back, by a GenerationConfig.
    expect(model.runtime.limits).toHaveLength(2);
    expect(model.runtime.limits[0]).toMatch(/takes or returns text alone/);
    await compare("transformers serve", model, process.env["GRAPPA_IDENTITY"] === "all" ? 1 : 5);
  });
});

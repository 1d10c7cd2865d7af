/**
 * @file Students as GGUF in llama.cpp: the same ids of texts and the same greedy tokens as in Grappa, for demo-base and for the
 * student in $GRAPPA_STUDENT. Other families are compared with transformers in python/tests/test_export.py.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { nodeFileSystem } from "../../src/adapters/file-system.ts";
import { openEngine } from "../../src/adapters/engine/open-engine.ts";
import { readModelFolder } from "../../src/adapters/model-folder.ts";
import { prng } from "../../src/core/prng.ts";
import { exportModel } from "../../src/pipeline/export/export-model.ts";
import { findExported } from "../../src/pipeline/export/find-exported.ts";
import type { WeightType } from "../../src/student/export/weight-types.ts";

const NEW_TOKENS = 48;
/** Two tokens as close as this may change places: sums are taken in another order. */
const NEAR_TIE = 1e-3;
const root = mkdtempSync(join(tmpdir(), "grappa-llama-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

async function exported(student: string, type: WeightType): Promise<string> {
  const fs = nodeFileSystem();
  const places = { fs, workingFolder: process.cwd(), packageFolder: process.cwd() };
  const folder = join(root, `${student.replace(/\W+/g, "-")}-${type}`);
  const model = await findExported(student, undefined, places);
  const rest = { grappa: "test", repo: null, signal: new AbortController().signal, progress: () => undefined };
  const { files } = await exportModel({ model, formats: ["gguf"], type, folder, ...rest }, places);
  return join(folder, files[0]?.path ?? "");
}

interface Answer {
  readonly ids: number[][];
  readonly generated: number[][];
}

function askLlama(request: object): Answer {
  const script = join(import.meta.dirname, "ask-llama.mjs");
  const done = spawnSync(process.execPath, [script], { input: JSON.stringify(request), encoding: "utf8" });
  if (done.status !== 0) throw new Error(done.stderr);
  return JSON.parse(done.stdout) as Answer;
}

const PROMPTS = ["62 a+36 b+27 c*5", "17 a*3 b-9 c+40 d+2", "n=62;a:n+=36;b:n*=5;c:if(n%2)n-=7;puts(n)", "care"].map(
  (question) => `<|im_start|>user\n${question}<|im_end|>\n<|im_start|>assistant\n<|im_start|>think`,
);

/** Prompts, and texts of all kinds of characters in a seeded order; control tokens in some. */
function fiftyTexts(): string[] {
  const random = prng("fifty texts");
  const parts = [
    "62",
    " a+36",
    "don't",
    " WE'LL",
    "\n\n",
    "  \t",
    "naïve",
    " 東京",
    "π≈3.14159",
    "🙂🏽",
    "<|im_end|>",
    "<|im_start|>",
    "<|endoftext|>",
    "<|im_sta",
    "\r\n",
    "...",
    " ?!",
    "x²",
  ];
  return [
    ...PROMPTS,
    ...Array.from({ length: 50 - PROMPTS.length }, () =>
      Array.from({ length: 1 + random.int(0, 11) }, () => parts[random.int(0, parts.length - 1)]).join(""),
    ),
  ];
}

/** Greedy tokens of the embedded decoder, and how far each of another's tokens is from being one: 0 is the same. */
async function ours(student: string, prompts: readonly number[][], theirs: readonly number[][]) {
  const { config, tensors, tokenizer } = await readModelFolder(student);
  const engine = await openEngine({ threads: 2, memoryBytes: 1 << 28 });
  const contextTokens = Math.max(...prompts.map(({ length }) => length)) + NEW_TOKENS + 1;
  const slots = { slots: prompts.length, contextTokens, choosableIds: tokenizer.vocabularySize };
  await engine.loadDecoder({ config, tensors }, slots);
  const gaps: number[] = [];
  let pending = prompts.map((ids) => [...ids]);
  for (let at = 0; at < NEW_TOKENS; at++) {
    const rows = pending.map((ids, slot) => ({ slot, ids }));
    const logits = await engine.logits(rows);
    for (const [slot, row] of logits.entries()) {
      const token = theirs[slot]?.[at];
      if (token !== undefined) gaps.push(Math.max(...row.subarray(0, tokenizer.vocabularySize)) - (row[token] ?? NaN));
    }
    // Their tokens are fed to both, so that one near tie does not spoil the rest.
    pending = theirs.map((ids) => [ids[at] ?? 0]);
  }
  await engine.close();
  return gaps;
}

describe.each(["models/demo-base", ...(process.env["GRAPPA_STUDENT"] ? [resolve(process.env["GRAPPA_STUDENT"])] : [])])(
  "%s",
  (student) => {
    test("llama.cpp gives the ids of 50 texts, and greedy tokens, as Grappa does", async () => {
      const gguf = await exported(student, "f32");
      const { tokenizer } = await readModelFolder(student);
      const texts = fiftyTexts();
      const prompts = PROMPTS.map((text) => tokenizer.encodeControl(text));
      const answer = askLlama({ gguf, texts, prompts, newTokens: NEW_TOKENS });
      expect(answer.ids).toEqual(texts.map((text) => tokenizer.encodeControl(text)));
      for (const ids of answer.generated) expect(ids.length).toBeGreaterThan(3);
      const gaps = await ours(student, prompts, answer.generated);
      expect(gaps.filter((gap) => !(gap < NEAR_TIE))).toEqual([]);
      // Near ties are rare: nearly all tokens are the very ones.
      expect(gaps.filter((gap) => gap > 0).length).toBeLessThanOrEqual(gaps.length / 50);
    });

    test.each<WeightType>(["f16", "bf16", "q8_0"])("llama.cpp loads it as %s, and decodes", async (type) => {
      const gguf = await exported(student, type);
      const { generated } = askLlama({ gguf, texts: [], prompts: [[296, 266, 198]], newTokens: 8 });
      expect(generated[0]?.length).toBeGreaterThan(0);
    });
  },
);

/** @file The student of a page, run here by the page's own code: what it says must be what the engine says. */
import { mkdtempSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { carriedRun, DEMO_BASE, heldOut } from "../../test/live/carried-run.ts";
import { writeTinyStudent } from "../../test/tiny-student.ts";
import { openTokenSource } from "../adapters/engine/engine-token-source.ts";
import { openEngine } from "../adapters/engine/open-engine.ts";
import { readModelFolder } from "../adapters/model-folder.ts";
import { type Generation } from "../decode/row.ts";
import { sweep } from "../decode/sweep.ts";
import { studentsToCarry } from "../pipeline/carry-student.ts";
import type { CarriedStudent } from "../report/live-student.ts";
import type { ThinkingSetting } from "../schema/records.ts";
import { thinkingDelimiters } from "../tokenize/thinking-delimiters.ts";
import type { FromStudent, LivePiece, ToStudent } from "./live-protocol.ts";
import { liveServer } from "./live-server.ts";

const SETTINGS: readonly ThinkingSetting[] = [
  { mode: "direct", budgetTokens: 0, waits: 0 },
  { mode: "think", budgetTokens: 24, waits: 0 },
  { mode: "think", budgetTokens: 1024, waits: 0 },
  { mode: "think", budgetTokens: 1024, waits: 2 },
];
const QUESTIONS = heldOut(2).map(({ text }) => text);

let carried: CarriedStudent;
let expected: Generation[][];
let decode: (ids: readonly number[]) => string;

beforeAll(async () => {
  const run = await carriedRun(DEMO_BASE);
  [carried] = (await studentsToCarry(run)) as [CarriedStudent];
  await rm(run.folder, { recursive: true });
  const model = await readModelFolder(DEMO_BASE);
  decode = (ids) => model.tokenizer.decode(ids);
  const engine = await openEngine({ threads: 2, memoryBytes: 256 << 20, build: "simd" });
  const size = { slots: 4, contextTokens: 1024, choosableIds: model.tokenizer.vocabularySize };
  const source = await openTokenSource(engine, model, size);
  const prompts = QUESTIONS.map((content) => ({
    promptIds: model.chatTemplate.encodePrompt([{ role: "user", content }]),
    answerTokens: carried.payload.answerTokens,
    sampling: { temperature: 0, key: "" },
  }));
  expected = await sweep(source, prompts, { settings: SETTINGS, delimiters: thinkingDelimiters(model.tokenizer) });
  await engine.close();
});

/** A server with all it has posted, and a way to wait for what it will post. */
function openServer() {
  const posted: FromStudent[] = [];
  let wake = (): void => undefined;
  const send = liveServer((message) => {
    posted.push(message);
    wake();
  });
  const until = async (isThere: () => boolean): Promise<void> => {
    while (!isThere()) await new Promise<void>((resolve) => (wake = resolve));
  };
  return { send: (message: ToStudent) => send(message), posted, until };
}

const isReplyTo = (id: number) => (message: FromStudent) => message.type === "reply" && message.id === id;

function piecesOf(posted: readonly FromStudent[], id: number, model: "student" | "base"): readonly LivePiece[] {
  return posted.flatMap((message) =>
    message.type === "pieces" && message.id === id && message.model === model ? message.pieces : [],
  );
}

describe("the student of a page", () => {
  it("writes what the engine writes on several threads and slots, forced parts and all", async () => {
    const server = openServer();
    server.send({ type: "open", payload: carried.payload, blocks: carried.blocks });
    let id = 0;
    for (const [row, question] of QUESTIONS.entries()) {
      for (const [column, setting] of SETTINGS.entries()) {
        const mine = ++id;
        server.send({ type: "think", id: mine, question, setting, tokensPerSecond: null });
        await server.until(() => server.posted.filter(isReplyTo(mine)).length === 2);
        const { ids, forcedMask, thinkingIds, end } = expected[row]![column]!;
        for (const model of ["student", "base"] as const) {
          const pieces = piecesOf(server.posted, mine, model);
          expect(pieces.map(({ text }) => text).join("")).toBe(decode(ids));
          const forced = pieces.filter(({ isForced }) => isForced).map(({ text }) => text);
          expect(forced.join("")).toBe(decode(ids.filter((_, at) => forcedMask[at])));
          const thinking = pieces.filter(({ box }) => box === "thinking").map(({ text }) => text);
          const heading = setting.mode === "direct" ? "" : "<|im_start|>think";
          expect(thinking.join("").trim()).toBe(`${heading}${decode(thinkingIds)}`.trim());
        }
        const reply = server.posted.find(isReplyTo(mine));
        expect(reply).toMatchObject({ reply: { thinkingTokens: thinkingIds.length, end } });
      }
    }
  });

  it("puts the answer and what was forced before it into a box of its own", async () => {
    const server = openServer();
    server.send({ type: "open", payload: carried.payload, blocks: { ...carried.blocks, base: undefined } });
    const setting: ThinkingSetting = { mode: "think", budgetTokens: 8, waits: 0 };
    server.send({ type: "think", id: 1, question: QUESTIONS[0]!, setting, tokensPerSecond: null });
    await server.until(() => server.posted.some(isReplyTo(1)));
    const pieces = piecesOf(server.posted, 1, "student");
    const inBox = (wanted: LivePiece["box"], isForced: boolean) =>
      pieces
        .filter((piece) => piece.box === wanted && piece.isForced === isForced)
        .map(({ text }) => text)
        .join("");
    expect(inBox("thinking", true).trim()).toBe("<|im_start|>think");
    expect(inBox("answer", true)).toBe("<|im_start|>answer\nFinal Answer:");
    expect(piecesOf(server.posted, 1, "base")).toEqual([]);
  });

  it("thinks between <think> and </think> where that is its style, each in its box", async () => {
    const folder = mkdtempSync(join(tmpdir(), "grappa-thinker-"));
    await writeTinyStudent(folder, "fixtures/tokenizers/qwen3");
    const run = await carriedRun(folder);
    const [thinker] = (await studentsToCarry(run)) as [CarriedStudent];
    for (const made of [folder, run.folder]) await rm(made, { recursive: true });
    expect(thinker.payload.style).toBe("think");
    const server = openServer();
    server.send({ type: "open", payload: thinker.payload, blocks: { ...thinker.blocks, base: undefined } });
    const boxes = async (id: number, setting: ThinkingSetting) => {
      server.send({ type: "think", id, question: "1 a+1", setting, tokensPerSecond: null });
      await server.until(() => server.posted.some(isReplyTo(id)));
      const forced = piecesOf(server.posted, id, "student").filter(({ isForced }) => isForced);
      const inBox = (wanted: LivePiece["box"]) => forced.filter(({ box }) => box === wanted).map(({ text }) => text);
      return [inBox("thinking").join("").trim(), inBox("answer").join("").trim()];
    };
    expect(await boxes(1, { mode: "think", budgetTokens: 3, waits: 0 })).toEqual([
      "<think>",
      "</think>\n\nFinal Answer:",
    ]);
    expect(await boxes(2, { mode: "direct", budgetTokens: 0, waits: 0 })).toEqual(["", "<think>\n\n</think>"]);
  });

  it("stops between two tokens when told, and answers the next question whole", async () => {
    const server = openServer();
    server.send({ type: "open", payload: carried.payload, blocks: carried.blocks });
    const ask = (id: number, tokensPerSecond: number | null) =>
      server.send({ type: "think", id, question: QUESTIONS[0]!, setting: SETTINGS[2]!, tokensPerSecond });
    ask(1, 200);
    await server.until(() => piecesOf(server.posted, 1, "student").length > 4);
    server.send({ type: "stop" });
    await server.until(() => server.posted.filter(({ type }) => type === "stopped").length === 2);
    const cut = piecesOf(server.posted, 1, "student").length;
    ask(2, 200); // and a question before its end by another
    await server.until(() => piecesOf(server.posted, 2, "base").length > 4);
    ask(3, null);
    await server.until(() => server.posted.filter(isReplyTo(3)).length === 2);
    expect(server.posted.filter(({ type }) => type === "stopped")).toHaveLength(4);
    expect(piecesOf(server.posted, 1, "student")).toHaveLength(cut);
    const text = piecesOf(server.posted, 3, "student").map((piece) => piece.text);
    expect(text.join("")).toBe(decode(expected[0]![2]!.ids));
    expect(cut).toBeLessThan(text.length);
  });

  it("says what is wrong: no kernels, a question longer than the context", async () => {
    const broken = openServer();
    broken.send({ type: "open", payload: carried.payload, blocks: { ...carried.blocks, kernels: btoa("not wasm") } });
    await broken.until(() => broken.posted.length > 0);
    expect(broken.posted).toEqual([
      { type: "failed", id: null, message: "this browser does not run WebAssembly with SIMD" },
    ]);
    const server = openServer();
    server.send({ type: "open", payload: carried.payload, blocks: carried.blocks });
    const question = "9".repeat(2000);
    server.send({ type: "think", id: 7, question, setting: SETTINGS[2]!, tokensPerSecond: null });
    await server.until(() => server.posted.some(({ type }) => type === "failed"));
    expect(server.posted.find(({ type }) => type === "failed")).toMatchObject({
      id: 7,
      message: expect.stringContaining("does not fit a context of 1024") as string,
    });
  });
});

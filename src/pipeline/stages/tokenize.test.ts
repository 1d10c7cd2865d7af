import { describe, expect, test } from "vitest";
import { AppError } from "../../core/errors.ts";
import { Recipe } from "../../schema/recipe.ts";
import type { Question, Selection, Trace } from "../../schema/records.ts";
import type { StageContext, StageInput } from "../stage.ts";
import { tokenizeStage } from "./tokenize.ts";

interface Texts {
  readonly question?: string;
  readonly thinking?: string;
  readonly answer?: string;
}

/** A stage's world over rows in memory; the base is a folder of fixtures. */
function world(rows: readonly Texts[], settings: { tokenize?: object; student?: object } = {}) {
  const recipe = Recipe.parse({
    name: "fake",
    seed: 0,
    student: { base: "demo-base", ...settings.student },
    collect: { sources: [{ type: "family", family: "arithmetic", count: 4, difficulty: [1, 2] }] },
    trace: { teacher: { type: "builtin" } },
    tokenize: settings.tokenize ?? {},
  });
  const files: Record<string, readonly unknown[]> = {
    "questions.jsonl": rows.map(({ question = "1+1?" }, at): Partial<Question> => ({ id: `q${at}`, text: question })),
    "traces.jsonl": rows.map(({ thinking = "1+1=2", answer = "2" }, at): Partial<Trace> => {
      const usage = { promptTokens: 1, completionTokens: 9, reasoningTokens: 5, isEstimated: false };
      return { id: `t${at}`, thinking, answer, usage };
    }),
    "selection.jsonl": rows.map((_, at): Partial<Selection> => ({ questionId: `q${at}`, traceId: `t${at}` })),
  };
  const input = {
    readRows: (file: string) => Promise.resolve(files[file]),
    async *streamRows(file: string) {
      yield* files[file] ?? [];
    },
  } as unknown as StageInput;
  const written: Record<string, Record<string, unknown>[]> = {};
  const openRows = (file: string) => {
    const lines: Record<string, unknown>[] = [];
    return Promise.resolve({
      write: async (row: unknown) => void lines.push(row as Record<string, unknown>),
      close: async () => void (written[file] = lines),
      abandon: async () => undefined,
    });
  };
  const output = {
    openRows,
    writeRows: async (file: string, lines: Iterable<Record<string, unknown>>) => void (written[file] = [...lines]),
  };
  const context = { recipe, baseFolder: "models/demo-base", input: () => input, output, progress: () => undefined };
  return { context: context as unknown as StageContext, written };
}

async function failure(run: () => Promise<unknown>): Promise<AppError> {
  const error = await run().then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof AppError) return error;
  throw new Error(`the stage let it pass: ${String(error)}`);
}

describe("tokenize", () => {
  test("writes the rows in the order of the selection", async () => {
    const { context, written } = world([{ answer: "2" }, { question: "2+2?", answer: "4" }]);
    const summary = await tokenizeStage().run(context);
    expect(written["examples.jsonl"]!.map(({ traceId }) => traceId)).toEqual(["t0", "t1"]);
    expect(summary.notes).toMatchObject({ longestTokens: expect.any(Number) });
  });

  test("writes every epoch's order beside the rows: each of them once, each epoch anew", async () => {
    const { context, written } = world(Array.from({ length: 12 }, () => ({})));
    await tokenizeStage().run(context);
    const order = written["order.jsonl"]!;
    expect(order.map(({ epoch }) => epoch)).toEqual([0, 1, 2, 3, 4]);
    const places = order.map(({ examples }) => examples as number[]);
    for (const epoch of places)
      expect([...epoch].sort((a, b) => a - b)).toEqual(Array.from({ length: 12 }, (_, i) => i));
    expect(new Set(places.map(String)).size).toBe(5);
  });

  test("names every row that is too long, counts those past the twentieth, and writes nothing", async () => {
    const rows = Array.from({ length: 30 }, (_, at): Texts => (at < 25 ? { thinking: "1+1=2 ".repeat(400) } : {}));
    const { context, written } = world(rows);
    const error = await failure(() => tokenizeStage().run(context));
    expect(error).toMatchObject({ code: "limit-exceeded", data: { rows: 30 } });
    const ids = Array.from({ length: 20 }, (_, at) => `t${at}`);
    expect(error.data.gates).toEqual([{ gate: "too-long", rows: 25, traceIds: ids, detail: expect.any(String) }]);
    expect(error.message).toContain("t19, and 5 more");
    expect(written).toEqual({});
  });

  test("names the rows of each gate at once", async () => {
    const { context } = world([
      { thinking: "a <|im_start|>answer" },
      {},
      { answer: "<|im_end|>" },
      { thinking: " " },
      { question: "half \ud800" },
    ]);
    const error = await failure(() => tokenizeStage().run(context));
    expect(error.code).toBe("record-invalid");
    expect(error.data.gates).toMatchObject([
      { gate: "empty-thinking", traceIds: ["t3"] },
      { gate: "control-text", rows: 2, traceIds: ["t0", "t2"] },
      { gate: "text-differs", traceIds: ["t4"] },
    ]);
  });

  test("depends on the style, and on what orders the epochs", () => {
    const config = (tokenize: object) => tokenizeStage().config(world([], { tokenize }).context.recipe);
    const order = { epochs: 5, seed: 0 };
    expect(config({})).toEqual({ maxLength: 1024, target: "traces", order });
    expect(config({ style: "think" })).toEqual({ maxLength: 1024, target: "traces", style: "think", order });
  });
});

describe("chats for a provider", () => {
  const hosted = { base: "Qwen/Qwen2.5-7B-Instruct", hosted: { type: "together", maxTokens: 100 } };

  test("go through the gates that need no tokenizer", async () => {
    const { context, written } = world([{ thinking: "so </think> 2" }, {}, { answer: " " }], { student: hosted });
    const error = await failure(() => tokenizeStage().run(context));
    expect(error.data.gates).toMatchObject([
      { gate: "empty-answer", traceIds: ["t2"] },
      { gate: "control-text", traceIds: ["t0"], detail: "the thinking spells </think>" },
    ]);
    expect(written).toEqual({});
  });

  test("are written where nothing is wrong", async () => {
    const { context, written } = world([{}], { student: hosted });
    await tokenizeStage().run(context);
    expect(written["training.jsonl"]).toHaveLength(1);
  });
});

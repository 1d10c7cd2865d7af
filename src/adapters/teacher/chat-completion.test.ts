import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readChatCompletion, splitReasoning, splitContinued } from "./chat-completion.ts";
import { MAX_REPLY_CHARACTERS } from "./reply-reader.ts";
import { TeacherError } from "./teacher.ts";

const context = { promptBytes: 30, provenance: "raw" as const };
const usage = { prompt_tokens: 12, completion_tokens: 40, completion_tokens_details: { reasoning_tokens: 33 } };

function body(message: object, rest: object = {}): string {
  return JSON.stringify({ choices: [{ index: 0, finish_reason: "stop", message }], usage, ...rest });
}

function failure(text: string): TeacherError {
  try {
    readChatCompletion(text, context);
  } catch (error) {
    if (error instanceof TeacherError) return error;
  }
  throw new Error("a TeacherError was expected");
}

describe("where reasoning stands", () => {
  it.each([
    ["DeepSeek, vLLM, SGLang", { reasoning_content: "r", content: "a" }, "r", "a"],
    ["OpenRouter, Ollama", { reasoning: "r", content: "a" }, "r", "a"],
    ["both, the first counts", { reasoning_content: "r", reasoning: "s", content: "a" }, "r", "a"],
    ["an empty field beside inline tags", { reasoning_content: "", content: "<think>r</think>a" }, "r", "a"],
    ["inline", { content: "<think>\nr\n</think>\n\na" }, "r", "a"],
    ["inline, opening tag in the prompt", { content: "r\n</think>\n\na" }, "r", "a"],
    ["inline, never closed: thinking was cut", { content: "<think>\nr" }, "r", ""],
    ["a closing tag quoted in the answer", { content: "r</think>use </think>" }, "r", "use </think>"],
    ["an opening tag quoted in the answer", { content: "the tag <think> opens" }, "", "the tag <think> opens"],
    ["thinking alone, content null", { reasoning_content: "r", content: null }, "r", ""],
    ["no thinking", { content: "a" }, "", "a"],
    ["nothing", {}, "", ""],
  ])("%s", (_case, message, thinking, answer) => {
    expect(splitReasoning(message)).toEqual({ thinking, answer });
  });

  it("puts any thinking and answer apart again, with and without the opening tag", () => {
    const text = fc
      .string({ unit: fc.constantFrom("a", "\n", "<", "</", "think", ">x", " ") })
      .map((part) => part.trim());
    const clean = text.filter((part) => !part.includes("</think>") && !part.startsWith("<think>"));
    fc.assert(
      fc.property(clean, text, fc.constantFrom("<think>", "<think>\n", ""), (thinking, answer, opening) => {
        expect(splitReasoning({ content: `${opening}${thinking}\n</think>\n\n${answer}` })).toEqual({
          thinking,
          answer,
        });
      }),
    );
  });
});

describe("a chat completion", () => {
  it("gives the reply with the usage as reported", () => {
    expect(readChatCompletion(body({ reasoning_content: "r", content: "a" }), context)).toEqual({
      thinking: "r",
      answer: "a",
      provenance: "raw",
      finishReason: "stop",
      usage: { promptTokens: 12, completionTokens: 40, reasoningTokens: 33, isEstimated: false },
    });
  });

  it.each([
    ["stop", "stop"],
    ["length", "length"],
    ["content_filter", "content_filter"],
    ["tool_calls", "other"],
    [null, "other"],
    [undefined, "other"],
  ])("takes finish_reason %s as %s", (finish_reason, expected) => {
    const text = JSON.stringify({ choices: [{ finish_reason, message: { content: "a" } }], usage });
    expect(readChatCompletion(text, context).finishReason).toBe(expected);
  });

  it("takes the first of several choices, wherever it stands", () => {
    const choices = [
      { index: 1, finish_reason: "stop", message: { content: "second" } },
      { index: 0, finish_reason: "stop", message: { content: "first" } },
    ];
    expect(readChatCompletion(JSON.stringify({ choices, usage }), context).answer).toBe("first");
  });

  it("estimates usage that is missing or nonsense, and says so", () => {
    const estimated = { promptTokens: 10, completionTokens: 5, reasoningTokens: 3, isEstimated: true };
    const message = { reasoning_content: "123456789", content: "abcd" };
    for (const reported of [undefined, null, "free", {}, { prompt_tokens: -1, completion_tokens: 5 }]) {
      expect(readChatCompletion(body(message, { usage: reported }), context).usage).toEqual(estimated);
    }
  });

  it("counts reasoning that a provider leaves out of completion_tokens", () => {
    const reported = { prompt_tokens: 10, completion_tokens: 5, total_tokens: 115, reasoning_tokens: 100 };
    const { usage: counted } = readChatCompletion(body({ content: "a" }, { usage: reported }), context);
    expect(counted).toEqual({ promptTokens: 10, completionTokens: 105, reasoningTokens: 100, isEstimated: false });
  });

  it.each([
    ["cut JSON", '{"choices":[{"mess'],
    ["HTML", "<html>\n502</html>"],
    ["nothing", ""],
    ["another type", "[1]"],
    ["no choices", '{"choices":[]}'],
    ["no message", '{"choices":[{}]}'],
    ["content of another type", '{"choices":[{"message":{"content":{"a":1}}}]}'],
    ["an empty reply", body({ content: " \n" })],
  ])("refuses %s as malformed", (_case, text) => {
    const error = failure(text);
    expect(error.fault).toBe("malformed");
    expect(error.code).toBe("provider");
    expect(error.isRetryable).toBe(true);
  });

  it("quotes a malformed reply on one line, and not all of it", () => {
    const { message } = failure(`<html>\n\u001b[31m${"x".repeat(100_000)}`);
    expect(message.length).toBeLessThan(400);
    expect(message).toContain("<html> [31mxxx");
  });

  it("keeps the usage of a reply that it refuses, for it was paid", () => {
    expect(failure(body({ content: "" })).usage).toMatchObject({ completionTokens: 40, isEstimated: false });
    expect(failure(JSON.stringify({ choices: [], usage })).usage).toMatchObject({
      promptTokens: 12,
      completionTokens: 40,
    });
    expect(failure('{"choices":[]}').usage).toBeNull();
  });

  it("knows no usage of a reply that it refuses where none is told: what a filter took was made all the same", () => {
    const choice = { index: 0, finish_reason: "content_filter", message: { role: "assistant", content: "" } };
    expect(failure(JSON.stringify({ choices: [choice] }))).toMatchObject({ fault: "malformed", usage: null });
  });

  it("refuses a reply too long for a record", () => {
    expect(failure(body({ content: "x".repeat(MAX_REPLY_CHARACTERS + 1) })).message).toContain("exceeds");
    expect(readChatCompletion(body({ content: "x".repeat(1000) }), context).answer).toHaveLength(1000);
  });

  it("survives any JSON", () => {
    fc.assert(
      fc.property(fc.json(), (json) => {
        expect(failure(json).fault).toBe("malformed");
      }),
    );
  });
});

describe("space where a reply was cut", () => {
  const read = (message: object, finish_reason = "length"): object => {
    const body = JSON.stringify({ choices: [{ index: 0, finish_reason, message }] });
    const { thinking, answer } = readChatCompletion(body, { promptBytes: 0, provenance: "raw", called: "the teacher" });
    return { thinking, answer };
  };
  it("is kept, so that no two words become one when it is gone on with", () => {
    expect(read({ reasoning_content: " one two ", content: "" })).toEqual({ thinking: "one two ", answer: "" });
    expect(read({ reasoning_content: "one", content: " two\n" })).toEqual({ thinking: "one", answer: "two\n" });
    expect(read({ content: "<think>\none " })).toEqual({ thinking: "one ", answer: "" });
    expect(read({ reasoning_content: " one ", content: " 2 " }, "stop")).toEqual({ thinking: "one", answer: "2" });
  });
  it("begins what goes on from it", () => {
    expect(splitContinued({ reasoning_content: " three ", content: " 4 " }, false)).toEqual({
      thinking: " three",
      answer: "4",
    });
  });
});

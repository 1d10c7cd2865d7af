import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CompletionReader } from "./completion-reader.ts";
import { SseReader } from "./sse.ts";
import { TeacherError } from "./teacher.ts";

const context = { promptBytes: 10, called: "the teacher", provenance: "raw" } as const;
const chat = { text: undefined, goOnFrom: undefined };

const event = (delta: object, rest: object = {}): string =>
  JSON.stringify({ id: "1", choices: [{ index: 0, delta, finish_reason: null, logprobs: null }], ...rest });
const end = JSON.stringify({ choices: [{ index: 0, delta: {}, finish_reason: "stop" }] });

const open = (reader: CompletionReader): SseReader =>
  new SseReader(
    ({ data }) => reader.event(data),
    (text, start) => reader.takeRun(text, start),
  );

/** Reads a stream of these events that comes in pieces of so many characters, framed as most servers do unless told. */
function read(
  events: readonly string[],
  { pieceLength = Number.POSITIVE_INFINITY, frame = (data: string) => `data: ${data}\n\n` } = {},
): { thinking: string; answer: string } {
  const reader = new CompletionReader(context, chat);
  const stream = open(reader);
  const text = [...events, end, "[DONE]"].map(frame).join("");
  for (let at = 0; at < text.length; at += pieceLength) stream.push(text.slice(at, at + pieceLength));
  stream.end();
  const { thinking, answer } = reader.reply();
  return { thinking, answer };
}

describe("events that are alike", () => {
  it("are read like any others, whatever their pieces hold", () => {
    const piece = fc.string({
      unit: fc.constantFrom("a", " ", "\n", '"', "\\", "é", "😀", "\u0000", "{", "}", "</think>"),
    });
    const delta = fc.record({ field: fc.constantFrom("reasoning_content", "content"), piece });
    const pieceLength = fc.oneof(fc.integer({ min: 1, max: 400 }), fc.constant(Number.POSITIVE_INFINITY));
    fc.assert(
      fc.property(fc.array(delta, { maxLength: 30 }), pieceLength, (deltas, length) => {
        const joined = (name: string): string =>
          deltas.map(({ field, piece: text }) => (field === name ? text : "")).join("");
        const thinking = `r${joined("reasoning_content")}.`;
        const answer = `a${joined("content")}.`;
        const events = deltas.map(({ field, piece: text }) => event({ [field]: text }));
        const first = [event({ reasoning_content: "r" }), event({ content: "a" })];
        const last = [event({ reasoning_content: "." }), event({ content: "." })];
        expect(read([...first, ...events, ...last], { pieceLength: length })).toEqual({ thinking, answer });
      }),
    );
  });

  it("are not taken for alike where more than the piece differs", () => {
    const sneaky = event({ content: "b" }).replace('"b"', '"b","refusal":"no"');
    expect(read([event({ content: "a" }), sneaky, event({ content: "c" })]).answer).toBe("abc");
    const other = event({ content: "x" }).replace('"index":0', '"index":1');
    expect(read([event({ content: "a" }), other, event({ content: "c" })]).answer).toBe("ac");
    const ended = event({ content: "b" }).replace("null", '"length"');
    expect(read([event({ content: "a" }), ended]).answer).toBe("ab");
  });

  it.each([
    ["carriage returns", (data: string) => `data: ${data}\r\n\r\n`],
    ["no space", (data: string) => `data:${data}\n\n`],
    ["a name", (data: string) => `event: message\ndata: ${data}\n\n`],
    ["an id behind", (data: string) => `data: ${data}\nid: 7\n\n`],
    ["a comment between", (data: string) => `: alive\n\ndata: ${data}\n\n`],
  ])("are read where the server frames them with %s", (_how, frame) => {
    const events = ["a", "b", "c", "d"].map((content) => event({ content }));
    expect(read(events, { frame }).answer).toBe("abcd");
    expect(read(events, { frame, pieceLength: 7 }).answer).toBe("abcd");
  });

  it("are malformed where one is no JSON", () => {
    const torn = event({ content: "b" }).replace('"b"', '"b"c"');
    expect(() => read([event({ content: "a" }), torn])).toThrow(TeacherError);
  });

  it("are no end where they bring an empty finish reason, as some servers do", () => {
    const reader = new CompletionReader(context, chat);
    for (const text of ["a", "b", "c"])
      reader.event(event({ content: text }).replace('"finish_reason":null', '"finish_reason":""'));
    expect(reader.isComplete).toBe(false);
    reader.event(end.replace('"stop"', '"eos"'));
    expect(reader.reply()).toMatchObject({ answer: "abc", finishReason: "stop" });
  });

  it("do not grow without end", () => {
    const reader = new CompletionReader(context, chat);
    const stream = open(reader);
    const text = `data: ${event({ content: "x".repeat(100_000) })}\n\n`;
    expect(() => {
      for (let n = 0; n < 30; n++) stream.push(text);
    }).toThrow("exceeds 2500000 characters");
  });
});

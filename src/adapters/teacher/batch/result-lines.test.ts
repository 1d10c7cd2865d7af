import { expect, it } from "vitest";
import { z } from "zod";
import { keyRedactor } from "../api-key.ts";
import type { BatchRow } from "./batch-provider.ts";
import { readRows } from "./result-lines.ts";

const KEY = "sk-planted-0123456789/abcdef";
const reading = {
  schema: z.object({ id: z.string(), body: z.string() }),
  rowOf: ({ id, body }: { id: string; body: string }): BatchRow => ({ type: "reply", id, body }),
  redact: keyRedactor(KEY),
};
const read = (text: string): BatchRow[] =>
  readRows([{ number: 1, bytes: Buffer.from(text), sizeBytes: text.length }], reading);

it("takes the key out of a line however it is written: plain, with slashes escaped, letter by letter, in no JSON", () => {
  const letters = [...KEY].map((letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`).join("");
  for (const written of [KEY, KEY.replaceAll("/", "\\/"), letters])
    expect(read(`{"id":"a","body":"it is ${written}."}`)).toEqual([{ type: "reply", id: "a", body: "it is [key]." }]);
  expect(JSON.stringify(read(`${KEY} is no JSON`))).not.toContain("planted");
});

/** @file The program in a reply: the last block that defines what is asked for, else the last Python block, any block, the text. */

/** Code longer than this is no answer to any task we know; so is a reply. UTF-16 units. */
export const MAX_CODE_LENGTH = 65_536;
const MAX_REPLY_LENGTH = 1 << 20;

/** What a reply holds. `rule` says where it was found. */
export type CodeExtraction =
  | { readonly status: "ok"; readonly code: string; readonly rule: string }
  | { readonly status: "none" }
  | { readonly status: "too-long" };

interface Block {
  readonly isPython: boolean;
  readonly code: string;
}

/** The program of a reply; `wanted` are names that it should define, where they are known. */
export function extractCode(reply: string, wanted: readonly string[] = []): CodeExtraction {
  if (reply.length > MAX_REPLY_LENGTH) return { status: "too-long" };
  const blocks = fencedBlocks(reply).filter(({ code }) => code.trim() !== "");
  const python = blocks.filter(({ isPython }) => isPython);
  const defining = [...blocks].reverse().find(({ code }) => wanted.some((name) => defines(code, name)));
  const last = python.at(-1) ?? blocks.at(-1);
  if (defining !== undefined) return bounded(defining.code, "block/defining");
  if (last !== undefined) return bounded(last.code, last.isPython ? "block/python" : "block/plain");
  if (blocks.length === 0 && reply.includes("```")) return { status: "none" };
  return bareCode(reply);
}

/** Whether code defines a function or class of that name at its top level or as a method. */
export function defines(code: string, name: string): boolean {
  return code.split("\n").some((line) => {
    const words = /^\s*(?:async\s+)?(?:def|class)\s+(\w+)/.exec(line);
    return words?.[1] === name;
  });
}

/** Blocks between fences of three or more backticks or tildes, in order; an open last one reaches to the end. */
function fencedBlocks(reply: string): Block[] {
  const blocks: Block[] = [];
  let open: { fence: string; isPython: boolean; indent: number; lines: string[] } | undefined;
  const close = (): void => {
    if (open !== undefined) blocks.push({ isPython: open.isPython, code: open.lines.join("\n") });
    open = undefined;
  };
  for (const line of reply.split("\n")) {
    const fence = /^( {0,12})(`{3,}|~{3,})[ \t]*([\w+#.-]*)/.exec(line);
    if (open === undefined) {
      if (fence === null) continue;
      const [, indent = "", marks = "", language = ""] = fence;
      open = { fence: marks, isPython: /^(?:python3?|py3?)$/i.test(language), indent: indent.length, lines: [] };
    } else if (fence !== null && fence[2]?.startsWith(open.fence) && line.trim() === fence[2]) close();
    else open.lines.push(unindent(line.replace(/\r$/, ""), open.indent));
  }
  close();
  return blocks;
}

const unindent = (line: string, indent: number): string =>
  line.slice(0, indent).trim() === "" ? line.slice(indent) : line;

/** A reply without fences: all of it where it goes on with indented code, else from its first line of code on. */
function bareCode(reply: string): CodeExtraction {
  const lines = reply.split("\n").map((line) => line.replace(/\r$/, ""));
  const written = lines.find((line) => line.trim() !== "");
  if (written !== undefined && /^\s/.test(written)) return bounded(lines.join("\n"), "text/indented");
  const first = lines.findIndex((line) => STARTS.test(line));
  return first < 0 ? { status: "none" } : bounded(lines.slice(first).join("\n"), "text/code");
}

/** How a line of code begins that prose hardly ever does. */
const STARTS =
  /^(?:def \w+\s*\(|class \w+|import \w+|from [\w.]+ import |@\w+|async def |\w+(?:, ?\w+)* ?= ?\S|print ?\(|return [\w([{'"-]|for \w+(?:, ?\w+)* in |while .*:|if .*:|try:|with .*:)/;

function bounded(code: string, rule: string): CodeExtraction {
  return code.length > MAX_CODE_LENGTH ? { status: "too-long" } : { status: "ok", code, rule };
}

/** @file A strict reader of the markup that the report writes, for tests: it refuses anything it would not write itself. */

/** One tag: its name, whether it closes, and its attributes. */
export interface Tag {
  readonly name: string;
  readonly isClosing: boolean;
  readonly isEmpty: boolean;
  readonly attributes: ReadonlyMap<string, string>;
}

const TAG = /<(\/?)([a-zA-Z][a-zA-Z0-9]*)((?:\s+[a-zA-Z][a-zA-Z0-9:-]*(?:="[^"<>]*")?)*)\s*(\/?)>/y;
const VOID = new Set(["meta", "link", "br", "input"]);

/** All tags of the text, in order. Throws where a `<` or `>` stands that is part of no well-formed tag. */
export function readTags(text: string): readonly Tag[] {
  const tags: Tag[] = [];
  const body = text.replace(/^<!doctype html>/, "").replace(/<style>[^<]*<\/style>/g, "");
  for (let at = 0; at < body.length; ) {
    const next = body.slice(at).search(/[<>]/);
    if (next < 0) break;
    TAG.lastIndex = at + next;
    const match = TAG.exec(body);
    if (match === null) throw new Error(`no tag at: ${body.slice(at + next, at + next + 80)}`);
    const attributes = [...(match[3] ?? "").matchAll(/([a-zA-Z][a-zA-Z0-9:-]*)(?:="([^"]*)")?/g)].map(
      ([, key, value]) => [key ?? "", value ?? ""] as const,
    );
    const name = match[2] ?? "";
    tags.push({
      name,
      isClosing: match[1] === "/",
      isEmpty: match[4] === "/" || VOID.has(name),
      attributes: new Map(attributes),
    });
    at = TAG.lastIndex;
  }
  return tags;
}

/** Throws unless every opened element is closed in order. */
export function checkNesting(tags: readonly Tag[]): void {
  const open: string[] = [];
  for (const { name, isClosing, isEmpty } of tags) {
    if (isEmpty) continue;
    if (!isClosing) open.push(name);
    else if (open.pop() !== name) throw new Error(`</${name}> closes what it did not open`);
  }
  if (open.length > 0) throw new Error(`never closed: ${open.join(", ")}`);
}

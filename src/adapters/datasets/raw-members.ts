/**
 * The JSON texts of an object's own members of those names, where they are lists or objects. The text must be JSON already:
 * this only counts brackets outside strings. The last of equal names wins, as in JSON.parse.
 */
export function rawMembers(json: string, names: readonly string[]): Record<string, string> {
  const found = new Map<string, string>(); // a member may be called __proto__
  let depth = 0;
  let key: string | undefined;
  let start = 0;
  for (let at = 0; at < json.length; at++) {
    const character = json[at];
    if (character === '"') {
      const end = stringEnd(json, at);
      if (depth === 1 && isKey(json, end)) key = JSON.parse(json.slice(at, end)) as string;
      at = end - 1;
    } else if (character === "{" || character === "[") {
      if (depth === 1) start = at;
      depth += 1;
    } else if (character === "}" || character === "]") {
      depth -= 1;
      if (depth === 1 && key !== undefined && names.includes(key)) found.set(key, json.slice(start, at + 1));
    }
  }
  return Object.fromEntries(found);
}

/** Index after the closing quote of the string that opens at `at`. */
function stringEnd(json: string, at: number): number {
  let end = at + 1;
  while (end < json.length && json[end] !== '"') end += json[end] === "\\" ? 2 : 1;
  return end + 1;
}

function isKey(json: string, end: number): boolean {
  let at = end;
  while (/\s/.test(json[at] ?? "")) at += 1;
  return json[at] === ":";
}

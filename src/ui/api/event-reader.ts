/** @file Server-sent events out of text that comes in parts. Pure. */

/** One event. */
export interface ServerEvent {
  readonly type: string;
  readonly data: string;
}

/** Longest text that is waited for without an end of event; ours are kilobytes. */
const MOST_CHARACTERS = 16 << 20;

/** Takes text as it comes, and gives the events that it completes. */
export class EventReader {
  #rest = "";

  /** The events that end in this text. Throws where one grows past all measure. */
  take(text: string): ServerEvent[] {
    const parts = `${this.#rest}${text}`.split("\n\n");
    this.#rest = parts.pop() ?? "";
    if (this.#rest.length > MOST_CHARACTERS) throw new Error("an event of the server is too large");
    return parts.flatMap(eventOf);
  }
}

function eventOf(text: string): ServerEvent[] {
  const fields = text.split("\n").map((line) => /^(\w+): ?(.*)$/s.exec(line));
  const valuesOf = (name: string) => fields.flatMap((field) => (field?.[1] === name ? [field[2] ?? ""] : []));
  const data = valuesOf("data");
  return data.length === 0 ? [] : [{ type: valuesOf("event").at(-1) ?? "message", data: data.join("\n") }];
}

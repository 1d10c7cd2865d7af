/** @file Server-sent events (WHATWG HTML, 9.2.6), read piece by piece. Pure. */

/** One event; its data lines joined. */
export interface SseEvent {
  /** The type, empty where the server names none. */
  readonly event: string;
  readonly data: string;
}

/** Longest event, characters: a provider's largest is a whole reply. */
const MAX_EVENT_CHARACTERS = 8 * 1024 * 1024;

/**
 * Takes whole events, of one `data:` line and an empty one each, that begin at `start` of `text`, as far as it knows them
 * without their being read; returns where the first begins that it does not know.
 */
export type RunTaker = (text: string, start: number) => number;

/**
 * Reads events out of text that comes in pieces of any size. Ids and retry times mean nothing here: a reply that broke
 * off is asked for again, not resumed.
 */
export class SseReader {
  readonly #onEvent: (event: SseEvent) => void;
  readonly #takeRun: RunTaker;
  /** Pieces after the last line end: joined once it ends, so that a long line costs no more than its length. */
  #rest: string[] = [];
  #restCharacters = 0;
  #event = "";
  #data: string[] = [];
  #characters = 0;
  #isAfterReturn = false;

  /** @param takeRun is offered what begins each event before it is read; takes nothing unless given. */
  constructor(onEvent: (event: SseEvent) => void, takeRun: RunTaker = (_text, start) => start) {
    this.#onEvent = onEvent;
    this.#takeRun = takeRun;
  }

  /**
   * Takes a piece, and gives out the events that it completes.
   * @throws {RangeError} an event exceeds 8 MiB.
   */
  push(piece: string): void {
    const fresh = this.#isAfterReturn && piece.startsWith("\n") ? piece.slice(1) : piece;
    if (piece !== "") this.#isAfterReturn = piece.endsWith("\r");
    const hasReturns = fresh.includes("\r");
    if (!hasReturns && !fresh.includes("\n")) return this.#keep(fresh);
    const text = this.#rest.length === 0 ? fresh : this.#rest.join("") + fresh;
    this.#rest = [];
    this.#restCharacters = 0;
    let start = 0;
    for (;;) {
      if (this.#data.length === 0 && this.#event === "") start = this.#takeRun(text, start);
      const end = lineEnd(text, start, hasReturns);
      if (end < 0) break;
      this.#line(text.slice(start, end));
      start = text[end] === "\r" && text[end + 1] === "\n" ? end + 2 : end + 1;
    }
    this.#keep(start === 0 ? text : text.slice(start));
  }

  /** The text is over: an event without its empty line counts all the same, as servers forget it. */
  end(): void {
    if (this.#restCharacters > 0) this.#line(this.#rest.join(""));
    this.#rest = [];
    this.#restCharacters = 0;
    this.#line("");
  }

  #keep(text: string): void {
    if (text === "") return;
    this.#rest.push(text);
    this.#restCharacters += text.length;
    this.#bound();
  }

  #line(line: string): void {
    if (line === "") return this.#dispatch();
    if (line.startsWith("data:")) {
      const data = line.slice(line[5] === " " ? 6 : 5);
      this.#data.push(data);
      this.#characters += data.length;
      this.#bound();
    } else if (line.startsWith("event:")) this.#event = line.slice(6).trim();
  }

  #dispatch(): void {
    const [only] = this.#data;
    if (only !== undefined)
      this.#onEvent({ event: this.#event, data: this.#data.length === 1 ? only : this.#data.join("\n") });
    this.#event = "";
    this.#data = [];
    this.#characters = 0;
  }

  #bound(): void {
    if (this.#characters + this.#restCharacters > MAX_EVENT_CHARACTERS)
      throw new RangeError(`an event of the stream exceeds ${MAX_EVENT_CHARACTERS} characters`);
  }
}

/** Where the next line ends; -1 where it does not yet. Most servers send no carriage returns: then one search is enough. */
function lineEnd(text: string, start: number, hasReturns: boolean): number {
  const feed = text.indexOf("\n", start);
  if (!hasReturns) return feed;
  const back = text.indexOf("\r", start);
  return back >= 0 && (feed < 0 || back < feed) ? back : feed;
}

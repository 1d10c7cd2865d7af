/** @file Ids into text as they come: whole characters alone, without white space at the ends, and never past a stop. */
import type { Tokenizer } from "../tokenize/tokenizer.ts";

/** The text of one part of a reply, thinking or answer. */
export class ReplyText {
  readonly #tokenizer: Tokenizer;
  readonly #stops: readonly string[];
  readonly #decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  /** Decoded and not yet given out: it may be the beginning of a stop, or white space at the end. */
  #held = "";
  #hasBegun = false;
  /** Characters of white space before the text, and of the text that was given out. */
  #skipped = 0;
  #given = 0;
  #isStopped = false;

  /** @param stops strings that end the text and are not part of it; none is empty */
  constructor(tokenizer: Tokenizer, stops: readonly string[] = []) {
    this.#tokenizer = tokenizer;
    this.#stops = stops;
  }

  /** Whether a stop was met; whatever comes after is dropped. */
  get isStopped(): boolean {
    return this.#isStopped;
  }

  /** Characters that were decoded; without meaning once a stop was met. */
  get decodedLength(): number {
    return this.#skipped + this.#given + this.#held.length;
  }

  /** Of these, the ones that were given out; empty at first. */
  get givenRange(): { readonly from: number; readonly to: number } {
    return { from: this.#skipped, to: this.#given === 0 ? 0 : this.#skipped + this.#given };
  }

  /** Takes an id; returns what may be given out now. */
  push(id: number): string {
    return this.#take(this.#decoder.decode(this.#tokenizer.bytesOf(id), { stream: true }));
  }

  /** The rest, at the end of the text: half characters become U+FFFD, white space goes. */
  end(): string {
    const rest = this.#take(this.#decoder.decode());
    if (this.#isStopped) return rest;
    const last = this.#held.trimEnd();
    this.#held = "";
    this.#given += last.length;
    return rest + last;
  }

  #take(text: string): string {
    if (this.#isStopped) return "";
    const own = this.#hasBegun ? text : text.trimStart();
    this.#skipped += text.length - own.length;
    this.#held += own;
    if (this.#held === "") return "";
    this.#hasBegun = true;
    const stop = this.#firstStop();
    if (stop !== undefined) {
      this.#isStopped = true;
      const last = this.#held.slice(0, stop).trimEnd();
      this.#held = "";
      this.#given += last.length;
      return last;
    }
    const given = this.#held.slice(0, this.#held.length - this.#mustHold()).trimEnd();
    this.#held = this.#held.slice(given.length);
    this.#given += given.length;
    return given;
  }

  #firstStop(): number | undefined {
    const places = this.#stops.map((stop) => this.#held.indexOf(stop)).filter((place) => place >= 0);
    return places.length === 0 ? undefined : Math.min(...places);
  }

  /** Characters at the end that may be the beginning of a stop. */
  #mustHold(): number {
    let most = 0;
    for (const stop of this.#stops)
      for (let length = Math.min(stop.length - 1, this.#held.length); length > most; length--)
        if (this.#held.endsWith(stop.slice(0, length))) most = length;
    return most;
  }
}

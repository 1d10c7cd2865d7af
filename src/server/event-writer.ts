/**
 * @file Server-sent events onto Node's own response. What is sent in one turn of the event loop goes out in one write: a write costs
 * more than all that is done for a token before it. A stream of the web's, between the two, would cost as much again.
 */
import type { ServerResponse } from "node:http";

const HEADERS = {
  "content-type": "text/event-stream; charset=utf-8",
  "cache-control": "no-cache",
  "x-accel-buffering": "no",
};

/** So long an opening waits for what it opens, to go out with it. */
const OPENING_MS = 5;

/** A client that is behind by so much is left: what it does not read stands in this process. */
const MOST_UNREAD_BYTES = 32 << 20;

/** The events of one reply. After its end, or after its client has left, what is sent goes nowhere. */
export class EventWriter {
  readonly #response: ServerResponse;
  readonly #opening: NodeJS.Timeout;
  #waiting = "";
  #isScheduled = false;
  #isEnded = false;

  constructor(response: ServerResponse) {
    this.#response = response.writeHead(200, HEADERS);
    // Whatever becomes of one client's connection must not end the process.
    response.on("error", () => undefined);
    this.#opening = setTimeout(() => this.#flush(), OPENING_MS);
  }

  /** An event that goes out with the first that is sent, or in some milliseconds; nothing for undefined. */
  open(value: object | undefined): void {
    if (value !== undefined) this.#waiting += eventOf(value);
  }

  /** One event with a value in JSON; nothing for undefined. */
  send(value: object | undefined): void {
    if (value !== undefined) this.write(eventOf(value));
  }

  /** Text as it is. */
  write(text: string): void {
    this.#waiting += text;
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    queueMicrotask(() => this.#flush());
  }

  /** Sends what waits, and ends the response. */
  end(): void {
    clearTimeout(this.#opening);
    if (this.#isEnded) return;
    this.#isEnded = true;
    const last = this.#waiting;
    this.#waiting = "";
    if (!this.#response.destroyed) this.#response.end(last);
  }

  #flush(): void {
    clearTimeout(this.#opening);
    this.#isScheduled = false;
    const text = this.#waiting;
    this.#waiting = "";
    // `destroyed` alone is not enough: with a client that does not read it stays false long after the end.
    if (text === "" || this.#isEnded || this.#response.destroyed) return;
    this.#response.write(text);
    if (this.#response.writableLength > MOST_UNREAD_BYTES) this.#response.destroy();
  }
}

const eventOf = (value: object): string => `data: ${JSON.stringify(value)}\n\n`;

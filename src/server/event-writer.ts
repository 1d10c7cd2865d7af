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

/** The events of one reply. After its client has left, what is sent goes nowhere. */
export class EventWriter {
  readonly #response: ServerResponse;
  #waiting = "";
  #hasBegun = false;

  /** The head goes out with the first events. */
  constructor(response: ServerResponse) {
    this.#response = response.writeHead(200, HEADERS);
  }

  /** One event with a value in JSON; nothing for undefined. */
  send(value: object | undefined): void {
    if (value !== undefined) this.write(`data: ${JSON.stringify(value)}\n\n`);
  }

  /** Text as it is. */
  write(text: string): void {
    if (this.#waiting === "") this.#soon();
    this.#waiting += text;
  }

  /** Sends what waits, and ends the response. */
  end(): void {
    const last = this.#waiting;
    this.#waiting = "";
    if (!this.#response.destroyed) this.#response.end(last);
  }

  /** The opening lets the request to whatever decodes go first. */
  #soon(): void {
    const flush = (): void => this.#flush();
    if (this.#hasBegun) queueMicrotask(flush);
    else setImmediate(flush);
    this.#hasBegun = true;
  }

  #flush(): void {
    const text = this.#waiting;
    this.#waiting = "";
    if (text !== "" && !this.#response.destroyed) this.#response.write(text);
  }
}

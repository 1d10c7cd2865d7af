// A client of streamed completions that costs little: bytes are kept, and read when the clock has stopped.
import { Pool } from "undici";

/** Streams from one server over as many connections as are under way at once. */
export class StreamClient {
  #pool;
  #path;
  #body;
  #mark;

  /**
   * @param body what is asked for, without how many tokens
   * @param mark bytes that the first event with a token has and none before it
   */
  constructor(url, { body, mark }) {
    this.#pool = new Pool(url.origin, { headersTimeout: 0, bodyTimeout: 0, pipelining: 1 });
    this.#path = url.pathname;
    this.#body = body;
    this.#mark = mark;
  }

  /** One stream: when its first token and its end came, ms after it was asked for, and all that it said. */
  stream(tokens) {
    const body = JSON.stringify(this.#body(tokens));
    return new Promise((resolve, reject) => {
      const chunks = [];
      const start = performance.now();
      let firstMs;
      let status = 0;
      const mark = this.#mark;
      const text = () => Buffer.concat(chunks).toString();
      const handler = {
        onRequestStart() {},
        onResponseStart(_controller, code) {
          status = code;
        },
        onResponseData(_controller, chunk) {
          chunks.push(chunk);
          if (firstMs === undefined && chunk.includes(mark)) firstMs = performance.now() - start;
        },
        onResponseEnd() {
          if (status !== 200) return reject(new Error(`HTTP ${status}: ${text().slice(0, 500)}`));
          resolve({ firstMs, endMs: performance.now() - start, text });
        },
        onResponseError: (_controller, error) => reject(error),
      };
      this.#pool.dispatch(
        { path: this.#path, method: "POST", headers: { "content-type": "application/json" }, body },
        handler,
      );
    });
  }

  close() {
    return this.#pool.destroy();
  }
}


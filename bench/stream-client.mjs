// A client of streamed completions that costs little: bytes are counted as they come, and read when the clock has stopped.
import { Pool } from "undici";

/** Streams from one server over as many connections as are under way at once. */
export class StreamClient {
  #pool;
  #path;
  #body;
  #mark;
  #count = 0;

  /**
   * @param body what is asked for, by how many tokens
   * @param mark bytes that each token of the model's has, and nothing else
   */
  constructor(url, { body, mark }) {
    this.#pool = new Pool(url.origin, { headersTimeout: 0, bodyTimeout: 0, pipelining: 1 });
    this.#path = url.pathname;
    this.#body = body;
    this.#mark = Buffer.from(mark);
  }

  /** Tokens that have come so far, of all streams. */
  get count() {
    return this.#count;
  }

  /** One stream: when its first token came, ms after it was asked for; how many came; and all that was said. */
  stream(tokens) {
    const body = JSON.stringify(this.#body(tokens));
    const headers = { "content-type": "application/json" };
    return new Promise((resolve, reject) => {
      const chunks = [];
      const start = performance.now();
      let [firstMs, status, count] = [undefined, 0, 0];
      const handler = {
        onRequestStart() {},
        onResponseStart(_controller, code) {
          status = code;
        },
        onResponseData: (_controller, chunk) => {
          chunks.push(chunk);
          const found = countOf(chunk, this.#mark);
          count += found;
          this.#count += found;
          if (found > 0) firstMs ??= performance.now() - start;
        },
        onResponseEnd() {
          const text = Buffer.concat(chunks).toString();
          if (status === 200) resolve({ firstMs, count, text });
          else reject(new Error(`HTTP ${status}: ${text.slice(0, 500)}`));
        },
        onResponseError: (_controller, error) => reject(error),
      };
      this.#pool.dispatch({ path: this.#path, method: "POST", headers, body }, handler);
    });
  }

  close() {
    return this.#pool.destroy();
  }
}

/** How often bytes hold others; one that is cut in two by the end of a chunk is not seen: one in thousands. */
function countOf(bytes, part) {
  let count = 0;
  for (let at = bytes.indexOf(part); at >= 0; at = bytes.indexOf(part, at + part.length)) count++;
  return count;
}

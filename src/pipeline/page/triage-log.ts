/** @file A run's `triage.jsonl`, followed: each look reads only what is new, so that what is answered is what holds. */
import { LineTail } from "../../adapters/store/tail-lines.ts";
import { applyTriage, MAX_TRIAGE_LINE_BYTES, type TraceTriage, triagePath } from "../triage-file.ts";

/** The decisions and notes of one run. */
export class TriageLog {
  readonly #path: string;
  #tail: LineTail;
  #found = new Map<string, TraceTriage>();
  #reading: Promise<unknown> = Promise.resolve();

  constructor(runFolder: string) {
    this.#path = triagePath(runFolder);
    this.#tail = this.#open();
  }

  /** What holds now, by trace id. Throws as `readTriage`. */
  async read(): Promise<ReadonlyMap<string, TraceTriage>> {
    const reading = this.#reading.then(() => this.#readOn());
    this.#reading = reading.catch(() => undefined);
    return await reading;
  }

  async #readOn(): Promise<ReadonlyMap<string, TraceTriage>> {
    const { lines, isRestarted } = await this.#tail.read();
    if (isRestarted) this.#found = new Map();
    try {
      for (const line of lines) applyTriage(this.#found, line, this.#path);
    } catch (error) {
      // The next look must say so again, and not go on behind it.
      this.#tail = this.#open();
      this.#found = new Map();
      throw error;
    }
    return this.#found;
  }

  #open(): LineTail {
    return new LineTail(this.#path, MAX_TRIAGE_LINE_BYTES);
  }
}

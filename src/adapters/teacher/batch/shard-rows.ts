/**
 * @file The open requests of one batch, and the end of each: its reply kept once, its money settled or given back, its
 * intent ended, whatever the batch's results say of it.
 */
import type { Hold, Ledger } from "../../../ledger/ledger.ts";
import { type Price, replyCost } from "../../../ledger/price-book.ts";
import type { Usage } from "../../../schema/records.ts";
import { costBasis } from "../../journal/journal-pass.ts";
import type { Intent, RequestJournal } from "../../journal/request-journal.ts";
import { excerptOf } from "../excerpt.ts";
import { TeacherError, type TeacherReply } from "../teacher.ts";
import type { BatchCodec } from "./batch-codec.ts";
import type { BatchRow, BatchStatus } from "./batch-provider.ts";
import type { PlannedRequest } from "./shard-log.ts";

/** How a request left its batch; `open`: without a reply, and where to try next. */
export type RowEnd =
  | { readonly type: "bought" }
  | { readonly type: "refused"; readonly detail: string }
  | { readonly type: "open"; readonly next: "batch" | "direct" };

/** A request of the batch whose money and intent are open. */
export interface OpenRow {
  readonly intent: Intent;
  readonly hold: Hold;
  readonly request: PlannedRequest;
}

/** How a batch ended. */
export type Ended = Extract<BatchStatus, { type: "ended" }>;

/** What ending requests needs. */
export interface RowPorts {
  readonly codec: BatchCodec;
  readonly price: Price;
  readonly ledger: Ledger;
  readonly journal: RequestJournal;
  /** Milliseconds since 1970. */
  readonly nowMs: () => number;
  /** Told once of each request, when its money and intent have ended. */
  readonly onEnd: (key: string, end: RowEnd) => void;
}

const DIRECTLY: RowEnd = { type: "open", next: "direct" };

/** See the file's head. */
export class ShardRows {
  readonly #ports: RowPorts;
  /** Of the batch: what its items' ids begin with. */
  readonly #name: string;
  /** What has no result yet, by key. */
  readonly #rows: Map<string, OpenRow>;
  readonly #replies = new Set<string>();
  #unreadable: string | undefined;
  #fatal: TeacherError | undefined;

  constructor(ports: RowPorts, name: string, rows: Map<string, OpenRow>) {
    this.#ports = ports;
    this.#name = name;
    this.#rows = rows;
  }

  /** Requests without an end. */
  get size(): number {
    return this.#rows.size;
  }

  /** The first result that says that no request of the run can work. */
  get fatal(): TeacherError | undefined {
    return this.#fatal;
  }

  /** Ends the requests that these results are of; resolves when all of it is on the disk. */
  async takeAll(rows: readonly BatchRow[]): Promise<void> {
    await Promise.all(rows.flatMap((row) => this.#take(row) ?? []));
  }

  /** Ends a row's request; undefined where there is nothing to do: a foreign row, or one that came twice. */
  #take(row: BatchRow): Promise<void> | undefined {
    if (row.type === "unreadable") {
      this.#unreadable = row.detail;
      return undefined;
    }
    const prefix = `${this.#name}-`;
    const key = row.id.startsWith(prefix) ? row.id.slice(prefix.length) : "";
    if (row.type === "reply") this.#replies.add(key);
    const open = this.#rows.get(key);
    if (open === undefined) return undefined;
    this.#rows.delete(key);
    if (row.type === "reply") return this.#keep(open, row.body);
    if (row.type === "not-run") return this.#unpaid(open, row.detail, DIRECTLY);
    return this.#refused(open, row.error);
  }

  async #keep(open: OpenRow, body: string): Promise<void> {
    const { codec, ledger, journal, onEnd } = this.#ports;
    const { promptBytes, maxTokens, key } = open.request;
    let reply: TeacherReply;
    try {
      reply = codec.read(body, { promptBytes });
    } catch (error) {
      if (!(error instanceof TeacherError)) {
        ledger.forfeit(open.hold);
        throw error;
      }
      // What broke off or is withheld was made all the same: it counts, at its worst case where nobody counted.
      if (!error.mayBeBilled) return await this.#refused(open, error);
      return await this.#useless(open, error, endOf(error));
    }
    const { usage, thinking, answer, provenance, finishReason } = reply;
    const costMicroUsd = this.#costOf(open.hold, usage, reply);
    ledger.settle(open.hold, { costMicroUsd, basis: costBasis(usage), usage });
    await journal.reply(open.intent, { thinking, answer, provenance, finishReason, usage, maxTokens, costMicroUsd });
    onEnd(key, { type: "bought" });
  }

  /** Ends a request whose reply was billed and cannot be used. */
  async #useless(
    { hold, intent, request }: OpenRow,
    { message, usage }: Pick<TeacherError, "message" | "usage">,
    end: RowEnd,
  ): Promise<void> {
    const { ledger, journal, onEnd } = this.#ports;
    const costMicroUsd = this.#costOf(hold, usage);
    ledger.settle(hold, { costMicroUsd, basis: costBasis(usage), ...(usage === null ? {} : { usage }) });
    const refused = end.type === "refused" ? { refusedAtMaxTokens: request.maxTokens } : {};
    await journal.malformed(intent, { detail: message, usage, costMicroUsd, ...refused });
    onEnd(request.key, end);
  }

  #refused(open: OpenRow, error: TeacherError): Promise<void> {
    if (error.fault === "run-refused") this.#fatal ??= error;
    const isLearnt = error.fault === "row-refused" && this.#ports.codec.learn?.(error) === true;
    return this.#unpaid(open, error.message, isLearnt ? { type: "open", next: "batch" } : endOf(error));
  }

  async #unpaid({ hold, intent, request }: OpenRow, detail: string, end: RowEnd): Promise<void> {
    const { ledger, journal, onEnd } = this.#ports;
    ledger.release(hold);
    await journal.unpaid(intent, excerptOf(detail), end.type === "refused" ? request.maxTokens : undefined);
    onEnd(request.key, end);
  }

  /**
   * Ends the requests that an ended batch says nothing of. Those of a batch that was cut short were not run, unless it
   * counts more replies than we saw or a line could not be read; then, as in a batch that was completed, they may be billed.
   */
  async endRest({ how, replies }: Ended): Promise<void> {
    const isMissing = replies !== null && replies > this.#replies.size;
    const mayBePaid = how === "completed" || isMissing || this.#unreadable !== undefined;
    const message = `the batch (${how}) brought no result for this request; ${this.#unreadable ?? "no line names it"}`;
    const rest = [...this.#rows.values()];
    this.#rows.clear();
    const end = (row: OpenRow): Promise<void> =>
      mayBePaid ? this.#useless(row, { message, usage: null }, DIRECTLY) : this.#unpaid(row, message, DIRECTLY);
    await Promise.all(rest.map(end));
  }

  async endAll(detail: string, next: "batch" | "direct"): Promise<void> {
    const rest = [...this.#rows.values()];
    this.#rows.clear();
    await Promise.all(rest.map((row) => this.#unpaid(row, detail, { type: "open", next })));
  }

  /** Counts what is open as possibly paid; the intents stay open, for a person to reconcile. */
  forfeitAll(): void {
    const keys = [...this.#rows.keys()];
    this.abandon();
    for (const key of keys) this.#ports.onEnd(key, DIRECTLY);
  }

  #costOf({ microUsd: worstCaseMicroUsd }: Hold, usage: Usage | null, reply?: TeacherReply): number {
    const { price, nowMs } = this.#ports;
    return replyCost({ price, when: new Date(nowMs()), worstCaseMicroUsd }, usage, reply);
  }

  /** Counts what is open as possibly paid; the intents stay open too, for the batch to be found, or for a person. */
  abandon(): void {
    for (const { hold } of this.#rows.values()) this.#ports.ledger.forfeit(hold);
    this.#rows.clear();
  }
}

/** A row that is refused for good is a failure; any other is tried directly. */
function endOf({ fault, message }: TeacherError): RowEnd {
  return fault === "row-refused" || fault === "withheld" ? { type: "refused", detail: message } : DIRECTLY;
}

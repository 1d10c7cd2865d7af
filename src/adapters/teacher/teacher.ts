/** @file The port to a teacher: one request, one reply, and every way in which that can fail. */
import { AppError, type ErrorCode, type ErrorDetails } from "../../core/errors.ts";
import type { ChatMessage, SamplingParams } from "../../ledger/request-key.ts";
import type { ReasoningKind } from "../../schema/endpoint.ts";
import type { FinishReason, Provenance, Usage } from "../../schema/records.ts";

/** What is asked. */
export interface TeacherRequest {
  readonly messages: readonly ChatMessage[];
  readonly params: SamplingParams;
  /** Cap on thinking and answer together, tokens. */
  readonly maxTokens: number;
  /** How often this request was sent before; sent along, so that a server can tell a retry from a new request. */
  readonly retry: number;
  /** A reply that was cut, to be gone on with; only for a teacher with a `continuation`. The new reply is what comes after. */
  readonly goOnFrom?: PartialReply;
}

/** The kept part of a cut reply. An answer that has begun means that thinking has ended. */
export interface PartialReply {
  readonly thinking: string;
  readonly answer: string;
  /** Thinking ends here, whatever more there was to think: the model must answer now. */
  readonly isThinkingOver: boolean;
}

/** How long a reply took: goes into the journal, never into a record. */
export interface ReplyTiming {
  /** From sending to the first piece of text, ms. */
  readonly firstTokenMs: number;
  /** From sending to the end, ms. */
  readonly totalMs: number;
}

/** What a response's headers say of the limits; absent where they do not. */
export interface RateLimitReport {
  readonly remainingRequests?: number;
  readonly remainingTokens?: number;
  /** Until requests are allowed again in full, ms. */
  readonly requestsResetMs?: number;
  readonly tokensResetMs?: number;
}

/** What came back, the same whichever provider answered. */
export interface TeacherReply {
  readonly thinking: string;
  readonly answer: string;
  readonly provenance: Provenance;
  readonly finishReason: FinishReason;
  readonly usage: Usage;
  readonly timing?: ReplyTiming;
  readonly rateLimit?: RateLimitReport;
}

/** A model that answers with its reasoning. */
export interface Teacher {
  /** The endpoint's name: part of every trace's id. */
  readonly provider: string;
  readonly model: string;
  /** What its reasoning is; `raw` where absent. */
  readonly reasoning?: ReasoningKind;
  /** Whether a cut reply can be gone on with; absent: no. */
  readonly continuation?: "none" | "prefix" | "completions";
  /** @throws {TeacherError} whatever goes wrong. */
  ask(request: TeacherRequest, signal: AbortSignal): Promise<TeacherReply>;
  close(): Promise<void>;
}

/**
 * How a request failed, by what it costs and what to do next:
 * `unavailable` not billed, later may work; `broken` may be billed, later may work; `malformed` billed, the reply cannot
 * be used; `withheld` billed, the reply is kept back for good; `row-refused` not billed, this request will never work; `run-refused` not billed, no request will work (bad
 * key, no credit, unknown model); `interrupted` stopped by the caller, may be billed.
 */
export type TeacherFault =
  | "unavailable"
  | "broken"
  | "malformed"
  | "withheld"
  | "row-refused"
  | "run-refused"
  | "interrupted";

const CODES: Readonly<Record<TeacherFault, ErrorCode>> = {
  unavailable: "provider",
  broken: "network",
  malformed: "provider",
  withheld: "provider-permanent",
  "row-refused": "provider-permanent",
  "run-refused": "provider-permanent",
  interrupted: "interrupted",
};

const MADE_OR_BEGUN: readonly TeacherFault[] = ["broken", "malformed", "withheld", "interrupted"];

/** What a {@link TeacherError} carries. */
export interface TeacherErrorDetails extends Omit<ErrorDetails, "isRetryable"> {
  readonly code?: ErrorCode;
  /** Wait at least so long before the next try; the provider asked for it. */
  readonly retryAfterMs?: number;
  /** What a reply that cannot be had says it used, if it says so. */
  readonly usage?: Usage;
  readonly rateLimit?: RateLimitReport;
}

/** The only error of a {@link Teacher}. Its message names no host or port: it goes into records, which must not vary. */
export class TeacherError extends AppError {
  readonly fault: TeacherFault;
  readonly retryAfterMs: number;
  readonly usage: Usage | null;
  readonly rateLimit: RateLimitReport;

  constructor(fault: TeacherFault, message: string, details: TeacherErrorDetails = {}) {
    const { code = CODES[fault], retryAfterMs = 0, usage = null, rateLimit = {}, ...rest } = details;
    super(code, message, { ...rest, isRetryable: ["unavailable", "broken", "malformed"].includes(fault) });
    this.fault = fault;
    this.retryAfterMs = retryAfterMs;
    this.usage = usage;
    this.rateLimit = rateLimit;
  }

  /** Whether the request may be billed, though it brought no reply: then it costs what was used, or its worst case. */
  get mayBeBilled(): boolean {
    return this.usage !== null || MADE_OR_BEGUN.includes(this.fault);
  }
}

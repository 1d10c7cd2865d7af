/** @file A training example of the page: its tokens, what each is there for, and which of them are trained. */
import type { TokenRole } from "../../tokenize/example-roles.ts";

/** Tokens in a row of one role that are all trained, or all not. */
export interface XrayRun {
  readonly role: TokenRole;
  readonly isTrained: boolean;
  /** Their texts; one that holds part of a character only has its bytes as `<e2>`. */
  readonly tokens: readonly string[];
}

/** An example under the x-ray. */
export interface TraceXray {
  readonly traceId: string;
  readonly tokens: number;
  readonly trained: number;
  /** Tokens at the end that are not shown. */
  readonly left: number;
  /** Whether the base's tokenizer changed after the example was made, so that the texts may be others. */
  readonly isTokenizerChanged: boolean;
  readonly runs: readonly XrayRun[];
}

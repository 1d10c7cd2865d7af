/** @file What the hub's refusals mean. Its `x-error-code` header says more than the status: a gated set answers 401 or 403. */
import { AppError } from "../../../core/errors.ts";
import type { HubKind, HubRequest } from "./hub-http.ts";

/** A refusal, and whom it was given to. */
export interface Refusal {
  readonly status: number;
  header(name: string): string | undefined;
  readonly asked: HubRequest;
  readonly endpoint: URL;
  readonly kind: HubKind;
  readonly hasToken: boolean;
  /** Pause that the hub asks for; 0 for none. */
  readonly pauseMs: number;
}

/** Whether the same request may succeed later. */
export function isRetryableStatus(status: number): boolean {
  return status === 408 || status === 425 || status === 429 || status >= 500;
}

/** The error for a refusal, with what to do about it. */
export function statusError(refusal: Refusal): AppError {
  const { status, asked, pauseMs } = refusal;
  const code = refusal.header("x-error-code") ?? "";
  const data = { url: asked.url.href, status, errorCode: code, ...(pauseMs > 0 ? { retryAfterMs: pauseMs } : {}) };
  if (isRetryableStatus(status))
    return new AppError("provider", `${asked.url.origin} answered ${status} for ${asked.url.pathname}`, {
      hint: "try again later; what was downloaded is kept",
      data,
      isRetryable: true,
    });
  if (code === "GatedRepo") return gated(refusal, data);
  if (code === "RevisionNotFound") return missing(`${asked.repo} has no such revision`, asked, data);
  if (code === "EntryNotFound") return missing(`${asked.repo} has no such file`, asked, data);
  if (code === "RepoNotFound" || status === 401 || status === 404) return noRepo(refusal, data);
  if (status === 403) return gated(refusal, data);
  return new AppError("provider-permanent", `${asked.url.origin} answered ${status} for ${asked.url.pathname}`, {
    data,
  });
}

type Data = Readonly<Record<string, unknown>>;

function pageOf({ endpoint, kind, asked }: Refusal): string {
  return `${endpoint.href.replace(/\/$/, "")}/${kind === "models" ? "" : `${kind}/`}${asked.repo}`;
}

function gated(refusal: Refusal, data: Data): AppError {
  const page = pageOf(refusal);
  const what = refusal.hasToken ? "the account of HF_TOKEN has no access to it" : "and HF_TOKEN is not set";
  return new AppError("file-denied", `${refusal.asked.repo} is gated: its terms must be accepted at ${page}, ${what}`, {
    hint: `accept the terms at ${page}, then set HF_TOKEN to a token of that account with read access`,
    data: { ...data, page },
  });
}

function noRepo(refusal: Refusal, data: Data): AppError {
  const { asked, hasToken, kind } = refusal;
  const what = kind === "models" ? "model" : "data set";
  return new AppError("file-missing", `the hub knows no ${what} ${asked.repo}, or it is private`, {
    hint: hasToken
      ? `look at ${pageOf(refusal)} with the account of HF_TOKEN`
      : `check the name at ${pageOf(refusal)}; for a private one, set HF_TOKEN`,
    data,
  });
}

function missing(what: string, { url }: HubRequest, data: Data): AppError {
  return new AppError("file-missing", `${what} (${url.pathname})`, {
    hint: "look at the set's page under Files, and at its history for the revision",
    data,
  });
}

/** @file Errors in OpenAI's shape, and how ours become them. */
import { AppError, type ErrorCode } from "../../core/errors.ts";

/** The body that clients of OpenAI's API expect with a status that is not 200. */
export interface ApiErrorBody {
  readonly error: {
    readonly message: string;
    readonly type: string;
    readonly param: string | null;
    readonly code: string | null;
  };
}

/** An answer that is an error. */
export class ApiError extends Error {
  readonly status: 400 | 401 | 404 | 405 | 408 | 413 | 415 | 429 | 431 | 499 | 500 | 502 | 503 | 504;
  readonly type: string;
  readonly param: string | null;
  readonly code: string | null;

  constructor(
    status: ApiError["status"],
    message: string,
    { param = null, code = null, type }: { param?: string | null; code?: string | null; type?: string } = {},
  ) {
    super(message);
    this.name = "ApiError";
    this.status = status;
    this.type = type ?? typeOf(status);
    this.param = param;
    this.code = code;
  }

  get body(): ApiErrorBody {
    const { message, type, param, code } = this;
    return { error: { message, type, param, code } };
  }
}

function typeOf(status: ApiError["status"]): string {
  if (status === 401) return "authentication_error";
  if (status === 429) return "rate_limit_error";
  return status >= 500 ? "server_error" : "invalid_request_error";
}

/** Whether an answer tells of a failure for the server's log: not of a limit of time, nor of a server that is ending. */
export function isOwnFailure({ status }: ApiError): boolean {
  return status >= 500 && status !== 503 && status !== 504;
}

const STATUS: Partial<Record<ErrorCode, ApiError["status"]>> = {
  usage: 400,
  "limit-exceeded": 400,
  interrupted: 499,
  network: 502,
  provider: 502,
  "provider-permanent": 502,
};

/** Whatever went wrong as an answer: operational errors with their hint; without what they say, which may tell an address, other servers' and bugs. */
export function apiErrorOf(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  if (!(error instanceof AppError)) return new ApiError(500, "the server failed; its log says how");
  const status = STATUS[error.code] ?? 500;
  const said = error.hint === undefined ? error.message : `${error.message}; ${error.hint}`;
  const message = status === 502 ? "the server behind this one failed; this one's log says how" : said;
  const code = error.code === "limit-exceeded" ? "context_length_exceeded" : error.code.replaceAll("-", "_");
  return new ApiError(status, message, { code });
}

/**
 * @file Who may ask the page's server: this machine's browser, on the page's own address, with the token. What every answer
 * says beside its content keeps the page to itself: no other site frames, reads or feeds it.
 */
import type { Context, MiddlewareHandler } from "hono";
import { AppError } from "../../core/errors.ts";
import { BearerKeys } from "../bearer-keys.ts";
import { ApiError } from "../openai/api-error.ts";

/** A request that is refused before anything is read. */
export class Refusal extends AppError {
  readonly status: 400 | 401 | 403 | 404 | 405 | 413;

  constructor(status: Refusal["status"], message: string, hint?: string) {
    super("usage", message, hint === undefined ? {} : { hint });
    this.status = status;
  }
}

/**
 * Nothing but the page's own files and its own server: no inline script or style, no other host, no frame around it, and
 * markup only through the page's one policy (src/ui/parts/chart.tsx).
 */
export const CONTENT_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types grappa",
].join("; ");

const HEADERS: Readonly<Record<string, string>> = {
  "content-security-policy": CONTENT_POLICY,
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "cross-origin-embedder-policy": "require-corp",
  "permissions-policy": "camera=(), microphone=(), geolocation=()",
};

/** Sets what every answer says, errors too. */
export function sayHeaders(context: Context): void {
  for (const [name, value] of Object.entries(HEADERS)) context.header(name, value);
}

const NAMES: readonly string[] = ["127.0.0.1", "localhost", "[::1]"];
const READS: readonly string[] = ["GET", "HEAD"];

/**
 * For every address: the name by which the server is called is loopback's, with its port; whoever says where it comes from
 * comes from here. A page of another site that got hold of the address by a name of its own is not answered.
 */
export function refuseStrangers(port: () => number): MiddlewareHandler {
  return async (context, next) => {
    const host = (context.req.header("host") ?? "").toLowerCase();
    const isOurs = (name: string): boolean => host === `${name}:${port()}` || (port() === 80 && host === name);
    if (!NAMES.some(isOurs)) throw new Refusal(403, "this server is not called by that name");
    const origin = context.req.header("origin");
    if (origin !== undefined && origin !== `http://${host}`) throw new Refusal(403, "another site asked for this");
    await next();
  };
}

/** For the API: the token, nothing of another site, and for whatever writes a page's word that it is ours. */
export function askForToken(token: string): MiddlewareHandler {
  const keys = new BearerKeys([token]);
  return async (context, next) => {
    const site = context.req.header("sec-fetch-site");
    if (site !== undefined && site !== "same-origin") throw new Refusal(403, "another site asked for this");
    // Browsers say where a request that writes comes from; what does not say so is no page of ours.
    if (!READS.includes(context.req.method) && context.req.header("origin") === undefined)
      throw new Refusal(403, "a request that writes must say where it comes from");
    try {
      keys.callerOf(context.req.header("authorization"), "");
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      throw new Refusal(401, "the token is missing or wrong", "open the address that `grappa ui` printed");
    }
    await next();
  };
}

/** @file Listens for a {@link ServeApp}: loopback unless told otherwise, and ends gracefully. */
import { STATUS_CODES, type Server } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { Duplex } from "node:stream";
import { createAdaptorServer } from "@hono/node-server";
import { AppError } from "../core/errors.ts";
import { ApiError } from "./openai/api-error.ts";
import type { ServeApp } from "./serve-app.ts";

/** Where to listen. */
export interface ListenOptions {
  readonly host: string;
  /** 0 takes any free one. */
  readonly port: number;
  /**
   * A connection on which nothing moves for so long is ended: a client that does not read would keep its reply in memory. Must be
   * longer than any reply takes, since one that is not streamed is silent until it is whole.
   */
  readonly idleMs: number;
}

/** A server that listens. */
export interface Listening {
  /** Without a path. */
  readonly url: string;
  /** Takes no more requests, waits for those under way, then gives up what is left; ends all connections. */
  close(graceMs: number): Promise<void>;
}

const MAX_CONNECTIONS = 1024;
const HEADERS_MS = 20_000;
const BODY_MS = 60_000;
/** Longer than clients and proxies keep idle connections, so that none is closed under a request that is just sent. */
const KEEP_ALIVE_MS = 75_000;
const POLL_MS = 20;

/** Starts to listen. Throws "port-taken". */
export async function listen(app: ServeApp, { host, port, idleMs }: ListenOptions): Promise<Listening> {
  const server = createAdaptorServer({ fetch: app.fetch }) as Server;
  server.maxConnections = MAX_CONNECTIONS;
  server.headersTimeout = HEADERS_MS;
  server.requestTimeout = BODY_MS;
  server.timeout = idleMs;
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  server.on("clientError", answerNoRequest);
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause: NodeJS.ErrnoException) => reject(notHad(host, port, cause)));
    server.listen(port, host, resolve);
  });
  const { port: actual } = server.address() as AddressInfo;
  return {
    url: `http://${host.includes(":") ? `[${host}]` : host}:${actual}`,
    close: (graceMs) => close(server, app, graceMs),
  };
}

async function close(server: Server, app: ServeApp, graceMs: number): Promise<void> {
  app.drain();
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  const until = Date.now() + graceMs;
  while (app.underWay > 0 && Date.now() < until) await pause(POLL_MS);
  app.abort();
  server.closeIdleConnections();
  await pause(POLL_MS); // what was given up still tells its client so
  server.closeAllConnections();
  await closed;
}

/** What is no HTTP request is answered in the shape of all errors, where nothing was answered on its connection before. */
function answerNoRequest({ code }: NodeJS.ErrnoException, socket: Duplex): void {
  if (!socket.writable || (socket as Socket).bytesWritten > 0) return void socket.destroy();
  const error = NO_REQUEST[code ?? ""] ?? new ApiError(400, "this is no HTTP request");
  const body = JSON.stringify(error.body);
  const head = [
    `HTTP/1.1 ${error.status} ${STATUS_CODES[error.status] ?? ""}`,
    "connection: close",
    "content-type: application/json",
    `content-length: ${Buffer.byteLength(body)}`,
  ];
  socket.end(`${head.join("\r\n")}\r\n\r\n${body}`, () => socket.destroy());
}

const NO_REQUEST: Readonly<Record<string, ApiError>> = {
  HPE_HEADER_OVERFLOW: new ApiError(431, "the headers are too large"),
  ERR_HTTP_REQUEST_TIMEOUT: new ApiError(408, "the request did not come in time"),
};

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

function notHad(host: string, port: number, cause: NodeJS.ErrnoException): AppError {
  return new AppError("port-taken", `port ${port} on ${host} cannot be had (${cause.code ?? "no such address"})`, {
    hint: "stop what holds it, or give another --port; 0 takes any free one",
    data: { host, port },
    cause,
  });
}

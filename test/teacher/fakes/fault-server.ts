/** @file What every fake provider can do wrong, over real sockets. */
import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import { type AddressInfo, createServer as createRawServer, type Socket } from "node:net";

/** A request as it arrived. */
export interface FakeRequest {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** How many requests came before this one. */
  readonly index: number;
}

/** How one request is answered; `null`: as a healthy provider would. */
export type Fault =
  | {
      readonly type: "status";
      readonly status: number;
      readonly body?: string;
      readonly headers?: Record<string, string>;
    }
  /** The whole body of a good reply, one byte each `everyMs`. */
  | { readonly type: "slow-loris"; readonly everyMs: number }
  /** Says nothing at all. */
  | { readonly type: "mute" }
  /** Cuts the connection after this share of the reply's bytes. */
  | { readonly type: "cut"; readonly share: number }
  /** Ends the reply in good order after this share of its bytes, as a proxy does that lost its upstream. */
  | { readonly type: "short"; readonly share: number }
  /** Puts this into the stream before its last event, or instead of a whole body. */
  | { readonly type: "garbage"; readonly text: string }
  | { readonly type: "content-type"; readonly contentType: string; readonly body: string }
  /** A reply that goes on for so many bytes. */
  | { readonly type: "huge"; readonly bytes: number }
  /** A stream in which one event comes over and over, before the end is said: so many bytes, or as long as anybody listens. */
  | {
      readonly type: "endless";
      readonly event: string;
      readonly bytes: number;
      readonly onSent: (bytes: number) => void;
    }
  | { readonly type: "reset" };

/** A healthy answer. */
export interface FakeAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** A stream's events, each written by itself; or one whole body. */
  readonly pieces: readonly string[];
  readonly contentType: string;
}

/** A fake provider that runs. */
export interface FaultServer {
  /** `http://127.0.0.1:PORT`. */
  readonly origin: string;
  readonly requests: FakeRequest[];
  close(): Promise<void>;
}

/** What a fake is made of. */
export interface FaultServerOptions {
  /** The healthy provider, which refuses what the real one would refuse. */
  readonly answer: (request: FakeRequest) => FakeAnswer | Promise<FakeAnswer>;
  /** Decides on each request's fault. */
  readonly fault?: (request: FakeRequest) => Fault | null;
  /** Pieces of a stream come together, unless told to come one by one this many ms apart. */
  readonly pieceMs?: number;
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Starts a fake on a free port of 127.0.0.1. */
export async function startFaultServer(options: FaultServerOptions): Promise<FaultServer> {
  const requests: FakeRequest[] = [];
  const server = createServer(async (incoming, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks).toString();
    const { method = "", url = "", headers } = incoming;
    const request = { method, path: url, headers, body, index: requests.length };
    requests.push(request);
    const fault = options.fault?.(request) ?? null;
    const answer = fault?.type === "status" || fault?.type === "mute" ? undefined : await options.answer(request);
    await respond(response, { fault, answer, pieceMs: options.pieceMs ?? 0 });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

interface Responding {
  readonly fault: Fault | null;
  readonly answer: FakeAnswer | undefined;
  readonly pieceMs: number;
}

async function respond(response: ServerResponse, { fault, answer, pieceMs }: Responding): Promise<void> {
  if (fault?.type === "mute") return;
  if (fault?.type === "reset") return void response.socket?.resetAndDestroy();
  if (fault?.type === "status") {
    const headers = { "content-type": "application/json", ...fault.headers };
    return void response.writeHead(fault.status, headers).end(fault.body ?? '{"error":{"message":"no"}}');
  }
  if (fault?.type === "content-type")
    return void response.writeHead(200, { "content-type": fault.contentType }).end(fault.body);
  if (answer === undefined) return;
  const { status, headers, pieces, contentType } = answer;
  response.writeHead(status, { "content-type": contentType, ...headers });
  if (fault === null || status !== 200) return await writePieces(response, pieces, pieceMs);
  await spoil(response, fault, pieces);
}

async function writePieces(response: ServerResponse, pieces: readonly string[], pieceMs: number): Promise<void> {
  for (const piece of pieces) {
    response.write(piece);
    if (pieceMs > 0) await sleep(pieceMs);
  }
  response.end();
}

async function spoil(response: ServerResponse, fault: Fault, pieces: readonly string[]): Promise<void> {
  const bytes = Buffer.from(pieces.join(""));
  switch (fault.type) {
    case "slow-loris":
      for (const byte of bytes) {
        if (response.destroyed) return;
        response.write(Buffer.of(byte));
        await sleep(fault.everyMs);
      }
      return void response.end();
    case "cut": {
      const kept = bytes.subarray(0, Math.floor(bytes.length * fault.share));
      return void response.write(kept, () => response.socket?.resetAndDestroy());
    }
    case "short":
      return void response.end(bytes.subarray(0, Math.floor(bytes.length * fault.share)));
    case "garbage":
      if (pieces.length === 1) return void response.end(fault.text);
      return await writePieces(response, [...pieces.slice(0, -1), fault.text, pieces.at(-1) ?? ""], 0);
    case "huge":
      await repeat(response, "x".repeat(64 * 1024), fault);
      return void response.end();
    case "endless":
      await repeat(response, fault.event, fault);
      return await writePieces(response, pieces, 0);
    default:
      return void response.end(bytes);
  }
}

/** Sends a block over and over: so many bytes, or as long as anybody listens. */
async function repeat(
  response: ServerResponse,
  block: string,
  { bytes, onSent }: { readonly bytes: number; readonly onSent?: (bytes: number) => void },
): Promise<void> {
  response.setMaxListeners(0); // each wait listens for the end as well
  for (let sent = 0; sent < bytes && !response.destroyed; sent += Buffer.byteLength(block)) {
    onSent?.(sent);
    if (!response.write(block)) await new Promise((resolve) => response.once("drain", resolve).once("close", resolve));
  }
}

/** A port at which no TLS is spoken: whoever tries is answered in plain text. Gives an https origin. */
export async function startTlsRefusal(): Promise<{ readonly origin: string; close(): Promise<void> }> {
  const sockets = new Set<Socket>();
  const server = createRawServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined).once("data", () => socket.end("this is no TLS\n"));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    origin: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

/** One server-sent event, with its type where it has one. */
export function sse(data: unknown, event?: string): string {
  const text = typeof data === "string" ? data : JSON.stringify(data);
  return `${event === undefined ? "" : `event: ${event}\n`}data: ${text}\n\n`;
}

/** Text in pieces of so many characters: what a stream's deltas carry. */
export function inPieces(text: string, characters: number): string[] {
  const whole = [...text];
  return Array.from({ length: Math.ceil(whole.length / characters) }, (_, n) =>
    whole.slice(n * characters, (n + 1) * characters).join(""),
  );
}

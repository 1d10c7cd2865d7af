/** @file A server that answers each request as a test says: the faults of real teachers over real sockets. */
import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** A request as the server saw it. */
export interface SeenRequest {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  /** Parsed JSON. */
  readonly body: {
    readonly messages: { readonly role: string; readonly content: string }[];
    readonly [name: string]: unknown;
  };
  /** How many requests came before this one. */
  readonly index: number;
}

/** How a request is answered; may destroy the socket instead. */
export type Script = (response: ServerResponse, request: SeenRequest) => void | Promise<void>;

/** A running server. */
export interface ScriptedServer {
  readonly baseUrl: string;
  readonly requests: SeenRequest[];
  close(): Promise<void>;
}

/** Starts a server on a free port of 127.0.0.1. */
export async function startScriptedServer(script: Script): Promise<ScriptedServer> {
  const requests: SeenRequest[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = JSON.parse(Buffer.concat(chunks).toString()) as SeenRequest["body"];
    const seen = { path: request.url ?? "", headers: request.headers, body, index: requests.length };
    requests.push(seen);
    await script(response, seen);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    requests,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** A whole, good reply. */
export function completion(thinking: string, answer: string, rest: object = {}): string {
  const message = { role: "assistant", reasoning_content: thinking, content: answer };
  const usage = { prompt_tokens: 10, completion_tokens: 20, completion_tokens_details: { reasoning_tokens: 15 } };
  return JSON.stringify({ choices: [{ index: 0, finish_reason: "stop", message }], usage, ...rest });
}

/** Sends a body with a status and headers. */
export function send(response: ServerResponse, body: string, status = 200, headers: Record<string, string> = {}): void {
  response.writeHead(status, { "content-type": "application/json", ...headers }).end(body);
}

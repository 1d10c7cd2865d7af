/** @file Requests that no client should make: what each must be answered with. */
import type { Agent } from "node:http";
import { connect } from "node:net";
import { ask, type Asked } from "./ask-stream.ts";

/** Where to send them. */
export interface AbusedServer {
  readonly url: string;
  readonly agent: Agent;
  /** A key that is good. */
  readonly key: string;
  readonly model: string;
}

/** One kind of abuse. */
export interface Abuse {
  readonly name: string;
  /** Status that answers it; 0: the connection's end, which is as good. */
  readonly statuses: readonly number[];
  /** It is a good request until its prompt is read: a server with no place left says so before (429). */
  readonly mayBeCrowdedOut?: true;
  send(server: AbusedServer): Promise<Asked>;
}

const MEBIBYTE = 1 << 20;

const json = (key: string) => ({ "content-type": "application/json", authorization: `Bearer ${key}` });
const posted =
  (body: string | Buffer, headers: (key: string) => Readonly<Record<string, string>> = json) =>
  ({ url, agent, key }: AbusedServer): Promise<Asked> =>
    ask({ url: `${url}/v1/chat/completions`, agent, headers: headers(key), body });
const chat = (model: string, content: string, more: object = {}): string =>
  JSON.stringify({ model, stream: true, messages: [{ role: "user", content }], ...more });
const asking =
  (content: string, more: object = {}) =>
  (server: AbusedServer): Promise<Asked> =>
    posted(chat(server.model, content, more))(server);

/** Bytes on a bare connection; what came back until it ended, or the client left. */
function raw({ url }: AbusedServer, bytes: string | Buffer, leaveMs?: number): Promise<Asked> {
  const { hostname, port } = new URL(url);
  return new Promise((settle) => {
    let body = "";
    const socket = connect(Number(port), hostname, () => socket.write(bytes));
    socket.on("data", (data) => (body += data.toString("latin1")));
    socket.on("error", () => undefined); // its end is told below
    socket.on("close", () => {
      const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(body)?.[1] ?? 0);
      const [, text = ""] = body.split("\r\n\r\n");
      settle(status === 0 ? { kind: "left" } : { kind: "answered", status, type: "application/json", body: text });
    });
    if (leaveMs !== undefined) setTimeout(() => socket.destroy(), leaveMs);
  });
}

/** All kinds. */
export const ABUSES: readonly Abuse[] = [
  { name: "JSON cut short", statuses: [400], send: posted('{"model": "x", "messages": [') },
  {
    name: "bytes that are no text",
    statuses: [400],
    send: posted(Buffer.from(Array.from({ length: 4096 }, (_, i) => i % 256))),
  },
  { name: "brackets without end", statuses: [400], send: posted("[".repeat(200_000)) },
  { name: "messages of another kind", statuses: [400], send: posted('{"model": "x", "messages": {"role": "user"}}') },
  { name: "tools", statuses: [400], send: asking("1 a+2", { tools: [{ type: "function", function: { name: "f" } }] }) },
  {
    name: "a prompt of a mebibyte",
    statuses: [400],
    mayBeCrowdedOut: true,
    send: asking("62 a+36 ".repeat(MEBIBYTE / 8)),
  },
  {
    name: "a prompt of a mebibyte of blanks",
    statuses: [400],
    mayBeCrowdedOut: true,
    send: asking(" ".repeat(MEBIBYTE)),
  },
  { name: "five mebibytes", statuses: [413], send: asking("x".repeat(5 * MEBIBYTE)) },
  {
    name: "five mebibytes of unknown length",
    statuses: [413],
    send: posted(chat("x", "y".repeat(5 * MEBIBYTE)), (key) => ({ ...json(key), "transfer-encoding": "chunked" })),
  },
  {
    name: "another type",
    statuses: [415],
    send: posted("{}", (key) => ({ ...json(key), "content-type": "text/plain" })),
  },
  { name: "a wrong key", statuses: [401], send: posted("{}", () => json("wrong-key-of-many-letters")) },
  { name: "no key", statuses: [401], send: posted("{}", () => ({ "content-type": "application/json" })) },
  {
    name: "five mebibytes without a key",
    statuses: [401],
    send: posted(chat("x", "z".repeat(5 * MEBIBYTE)), () => ({ "content-type": "application/json" })),
  },
  {
    name: "another route",
    statuses: [404],
    send: ({ url, agent, key }) => ask({ url: `${url}/v1/embeddings`, agent, headers: json(key), body: "{}" }),
  },
  {
    name: "another method",
    statuses: [405],
    send: ({ url, agent, key }) => ask({ url: `${url}/v1/chat/completions`, agent, method: "GET", headers: json(key) }),
  },
  { name: "what is no HTTP", statuses: [400], send: (server) => raw(server, "\u0000\u0001 hello\r\n\r\n") },
  {
    name: "headers without end",
    statuses: [431],
    send: (server) => raw(server, `GET / HTTP/1.1\r\nx: ${"y".repeat(1 << 17)}`),
  },
  { name: "a connection that says nothing", statuses: [0], send: (server) => raw(server, "", 20) },
  {
    name: "half a body",
    statuses: [0],
    send: (server) =>
      raw(
        server,
        `POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer ${server.key}\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n{"mo`,
        20,
      ),
  },
];

/** What is wrong with how an abuse was answered; undefined: nothing. */
export function faultOf({ name, statuses }: Abuse, asked: Asked): string | undefined {
  const status = asked.kind === "answered" ? asked.status : 0;
  if (!statuses.includes(status)) return `${name}: ${JSON.stringify(asked).slice(0, 300)}`;
  if (asked.kind !== "answered") return undefined;
  return isOpenAiError(asked.body) ? undefined : `${name}: not in OpenAI's shape: ${asked.body.slice(0, 300)}`;
}

/** Whether a body is an error as OpenAI's clients expect it. */
export function isOpenAiError(body: string): boolean {
  try {
    const { error } = JSON.parse(body) as { error?: Record<string, unknown> };
    const orNull = (value: unknown): boolean => value === null || typeof value === "string";
    return (
      typeof error?.["message"] === "string" &&
      typeof error["type"] === "string" &&
      orNull(error["param"]) &&
      orNull(error["code"])
    );
  } catch {
    return false;
  }
}

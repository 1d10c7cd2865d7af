/** @file One request over HTTP as a plain client makes it, streamed or not, that may leave before the end. */
import { type Agent, type IncomingMessage, request } from "node:http";

/** A reply's parts, put together from its events. */
export interface StreamedReply {
  readonly thinking: string;
  readonly answer: string;
  readonly finish: string;
}

/** When a client leaves: before anything came, or at the first of its reply. */
export type Leaving = "at once" | "at the first text" | undefined;

/** How a request ended. */
export type Asked =
  | { readonly kind: "answered"; readonly status: number; readonly type: string; readonly body: string }
  | { readonly kind: "left" }
  | { readonly kind: "broken"; readonly error: string };

/** What is asked. */
export interface Question {
  readonly url: string;
  readonly agent: Agent;
  readonly method?: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | Buffer | undefined;
  readonly leaving?: Leaving;
}

/** Asks, and reads to the end unless it leaves. */
export function ask({ url, agent, method = "POST", headers, body, leaving }: Question): Promise<Asked> {
  return new Promise((settle) => {
    const asking = request(url, { agent, method, headers });
    const leave = (): void => {
      settle({ kind: "left" });
      asking.destroy();
    };
    asking.on("error", (error: NodeJS.ErrnoException) =>
      settle({ kind: "broken", error: error.code ?? error.message }),
    );
    // A server that answers before it has read everything closes a connection that nobody listens to any more.
    asking.on("socket", (socket) => {
      if (!socket.listeners("error").includes(ignore)) socket.on("error", ignore);
    });
    asking.on("response", (response) => void read(response, leaving === undefined ? undefined : leave).then(settle));
    asking.end(body);
    if (leaving === "at once") setTimeout(leave, 5);
  });
}

const ignore = (): void => undefined;

async function read(response: IncomingMessage, leave: (() => void) | undefined): Promise<Asked> {
  let body = "";
  response.setEncoding("utf8");
  response.on("data", (text: string) => {
    body += text;
    if (leave !== undefined && body.includes("content")) leave();
  });
  return await new Promise((settle) => {
    const { statusCode: status = 0, headers } = response;
    response.on("end", () => settle({ kind: "answered", status, type: headers["content-type"] ?? "", body }));
    response.on("error", (error) => settle({ kind: "broken", error: error.message }));
    response.on("aborted", () => settle({ kind: "broken", error: "aborted" }));
  });
}

/** The reply that a stream's events make; undefined where it is none, or not whole. */
export function replyOf(body: string): StreamedReply | undefined {
  const events = body.split("\n\n").filter((event) => event.startsWith("data: "));
  if (events.at(-1) !== "data: [DONE]") return undefined;
  const reply = { thinking: "", answer: "", finish: "" };
  for (const event of events.slice(0, -1)) {
    const [choice] = (JSON.parse(event.slice(6)) as { choices?: readonly Choice[] }).choices ?? [];
    if (choice === undefined) return undefined;
    reply.thinking += choice.delta.reasoning_content ?? "";
    reply.answer += choice.delta.content ?? "";
    reply.finish = choice.finish_reason ?? reply.finish;
  }
  return reply;
}

interface Choice {
  readonly delta: { readonly reasoning_content?: string; readonly content?: string };
  readonly finish_reason: string | null;
}

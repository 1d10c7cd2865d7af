/** @file A server of completions over the demo's base, as vLLM speaks (ids, streamed) or of text alone, with faults that tests turn on. */
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { openTokenSource } from "../../src/adapters/engine/engine-token-source.ts";
import { openEngine } from "../../src/adapters/engine/open-engine.ts";
import { readModelFolder } from "../../src/adapters/model-folder.ts";

const FOLDER = "models/demo-base";

/** How the server differs from vLLM. */
export interface UpstreamManners {
  readonly isText?: boolean;
  /** No ids come with a stream. */
  readonly lacksStreamedIds?: boolean;
  /** `max_model_len`; null: not told. undefined: the model's own. */
  readonly contextTokens?: number | null;
  readonly hasNoModels?: boolean;
  /** As `transformers serve` without a hub cache, or with an empty one. */
  readonly models?: "broken" | "empty";
  readonly apiKey?: string;
  readonly port?: number;
  /** Chooses instead of the demo's base: by the ids alone, at no cost. */
  readonly choose?: (ids: readonly number[], forbidden: readonly number[]) => number;
}

/** What goes wrong from now on. */
export interface UpstreamFaults {
  status: number | undefined;
  /** Streams break after so many tokens. */
  breaksAfter: number;
  pauseMs: number;
}

/** A running server. */
export interface FakeUpstream {
  readonly baseUrl: string;
  readonly port: number;
  readonly faults: UpstreamFaults;
  readonly bodies: Readonly<Record<string, unknown>>[];
  /** Requests being answered, and those whose client left before their end. */
  readonly counts: { active: number; left: number; written: number };
  close(): Promise<void>;
}

interface Body {
  readonly prompt: readonly number[] | string;
  readonly max_tokens: number;
  readonly min_tokens?: number;
  readonly stop_token_ids?: readonly number[];
  readonly stop?: readonly string[];
  readonly logit_bias?: Readonly<Record<string, number>>;
  readonly temperature: number;
  readonly seed?: number;
  readonly stream: boolean;
}

/** Serves `models/demo-base` as `student`. */
export async function startUpstream(manners: UpstreamManners = {}): Promise<FakeUpstream> {
  const model = await readModelFolder(FOLDER);
  const { tokenizer } = model;
  const { choose } = manners;
  const engine = choose === undefined ? await openEngine({ threads: 1, memoryBytes: 1 << 27 }) : undefined;
  const size = { slots: 1, contextTokens: model.config.maxPositions, choosableIds: tokenizer.vocabularySize };
  const source = engine && (await openTokenSource(engine, model, size));
  const faults: UpstreamFaults = { status: undefined, breaksAfter: 1e9, pauseMs: 0 };
  const counts = { active: 0, left: 0, written: 0 };
  const bodies: Readonly<Record<string, unknown>>[] = [];
  let turn: Promise<unknown> = Promise.resolve();
  let held: number[] = [];

  /** One token after another to `give`, which says whether it is to go on. */
  const write = async (body: Body, give: (token: number, isStop: boolean) => Promise<boolean>): Promise<void> => {
    const ids = typeof body.prompt === "string" ? tokenizer.encodeControl(body.prompt) : [...body.prompt];
    const spelled = (body.stop ?? []).flatMap((text) => tokenizer.encodeControl(text));
    const stops = [...(body.stop_token_ids ?? []), ...spelled];
    const barred = Object.keys(body.logit_bias ?? {}).map(Number);
    const sampling = { temperature: body.temperature, key: String(body.seed ?? "") };
    for (let written = 0; written < body.max_tokens; written++) {
      const forbidden = [...barred, ...(written < (body.min_tokens ?? 0) ? stops : [])];
      const step = turn.then(async () => {
        if (choose !== undefined) return choose(ids, forbidden);
        // What the last step left in the cache is not read again.
        const other = ids.findIndex((id, place) => id !== held[place]);
        const keep = Math.min(other === -1 ? ids.length : other, ids.length - 1);
        source!.truncate(0, keep);
        held = [...ids];
        return (await source!.extend([{ slot: 0, ids: ids.slice(keep), forbidden, sampling }]))[0] as number;
      });
      turn = step.catch(() => undefined);
      const token = await step;
      ids.push(token);
      counts.written++;
      const isStop = stops.includes(token);
      if (!(await give(token, isStop)) || isStop) return;
    }
  };
  const textOf = (token: number, isStop: boolean): string => (isStop ? "" : tokenizer.decode([token]));
  const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, faults.pauseMs));
  const whole = async (body: Body, response: ServerResponse): Promise<void> => {
    let [text, finish_reason] = ["", "length"];
    const token_ids: number[] = [];
    await write(body, async (token, isStop) => {
      token_ids.push(token);
      text += textOf(token, isStop);
      finish_reason = isStop ? "stop" : "length";
      return !response.destroyed;
    });
    const choice = { index: 0, text, finish_reason, ...(manners.isText ? {} : { token_ids }) };
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({ choices: [choice] }));
  };
  const streamed = async (body: Body, response: ServerResponse): Promise<void> => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    let count = 0;
    await write(body, async (token, isStop) => {
      if (faults.pauseMs > 0) await pause();
      if (response.destroyed) return false;
      if (++count > faults.breaksAfter) {
        response.destroy();
        return false;
      }
      const isLast = isStop || count === body.max_tokens;
      const ids = manners.isText || manners.lacksStreamedIds ? {} : { token_ids: [token] };
      const finish_reason = isStop ? "stop" : isLast ? "length" : null;
      const choice = { index: 0, text: textOf(token, isStop), finish_reason, ...ids };
      return response.write(`data: ${JSON.stringify({ choices: [choice] })}\n\n`) || true;
    });
    if (!response.destroyed) response.end("data: [DONE]\n\n");
  };
  const told = manners.contextTokens === undefined ? model.config.maxPositions : manners.contextTokens;
  const server = createServer(async (request, response) => {
    const refuse = (status: number, message: string): void =>
      void response
        .writeHead(status, { "content-type": "application/json" })
        .end(JSON.stringify({ error: { message } }));
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    if (manners.apiKey !== undefined && request.headers.authorization !== `Bearer ${manners.apiKey}`)
      return refuse(401, "a key is needed");
    if (request.url === "/v1/models") {
      if (manners.hasNoModels) return refuse(404, "no such route");
      if (manners.models === "broken") return refuse(500, "Internal Server Error");
      const own = [{ id: "other" }, { id: "student", ...(told === null ? {} : { max_model_len: told }) }];
      const data = manners.models === "empty" ? [] : own;
      return void response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({ data }));
    }
    const body = JSON.parse(Buffer.concat(chunks).toString()) as Body;
    bodies.push(body as unknown as Readonly<Record<string, unknown>>);
    if (faults.status !== undefined) return refuse(faults.status, "out of order");
    if (manners.isText && typeof body.prompt !== "string") return refuse(400, "prompt must be a string");
    counts.active++;
    response.on("close", () => {
      counts.active--;
      if (!response.writableEnded) counts.left++;
    });
    await (body.stream ? streamed(body, response) : whole(body, response));
  });
  await new Promise<void>((resolve) => server.listen(manners.port ?? 0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const close = async (): Promise<void> => {
    await new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
    await turn;
    await engine?.close();
  };
  return { baseUrl: `http://127.0.0.1:${port}/v1`, port, faults, bodies, counts, close };
}

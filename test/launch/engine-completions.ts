/** @file The embedded engine behind `/v1/completions` as vLLM speaks it, greedy alone: a real model for jobs that tests run. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { openTokenSource } from "../../src/adapters/engine/engine-token-source.ts";
import { openEngine } from "../../src/adapters/engine/open-engine.ts";
import { readModelFolder } from "../../src/adapters/model-folder.ts";

interface Body {
  readonly prompt: readonly number[];
  readonly max_tokens: number;
  readonly min_tokens?: number;
  readonly stop_token_ids?: readonly number[];
  readonly logit_bias?: Readonly<Record<string, number>>;
}

/** Serves a student's folder on a free port. */
export async function startEngineCompletions(folder: string): Promise<{ baseUrl: string; close(): Promise<void> }> {
  const model = await readModelFolder(folder);
  const engine = await openEngine({ threads: 1, memoryBytes: 1 << 27 });
  const size = { slots: 1, contextTokens: model.config.maxPositions, choosableIds: model.tokenizer.vocabularySize };
  const source = await openTokenSource(engine, model, size);
  let held: number[] = [];
  let turn: Promise<unknown> = Promise.resolve();
  const write = async ({
    prompt,
    max_tokens: most,
    min_tokens: least = 0,
    stop_token_ids: stops = [],
    logit_bias: bias = {},
  }: Body) => {
    const ids = [...prompt];
    const barred = Object.keys(bias).map(Number);
    for (let written = 0; written < most; written++) {
      let keep = 0;
      while (keep < held.length && keep < ids.length - 1 && held[keep] === ids[keep]) keep++;
      source.truncate(0, keep);
      const forbidden = [...barred, ...(written < least ? stops : [])];
      const row = { slot: 0, ids: ids.slice(keep), forbidden, sampling: { temperature: 0, key: "" } };
      const [token] = await source.extend([row]);
      held = [...ids];
      ids.push(token as number);
      if (stops.includes(token as number)) return { finish_reason: "stop", token_ids: ids.slice(prompt.length) };
    }
    return { finish_reason: "length", token_ids: ids.slice(prompt.length) };
  };
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = JSON.parse(Buffer.concat(chunks).toString()) as Body;
    const mine = turn.then(() => write(body));
    turn = mine.catch(() => undefined);
    const choice = { index: 0, text: "", ...(await mine) };
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({ choices: [choice] }));
  };
  // The server is closed while it writes: who asked is gone, and the engine with it.
  const server = createServer((request, response) => void answer(request, response).catch(() => response.destroy()));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    close: async () => {
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
      await engine.close();
    },
  };
}

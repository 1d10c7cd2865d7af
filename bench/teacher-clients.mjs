// What else asks a teacher: undici alone, and the npm clients `openai` and `ai` where they are installed. None of them
// keeps a journal or a ledger. Each is a function that asks once and reads the whole stream.
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { Pool } from "undici";

const messages = [{ role: "user", content: "what is 17 times 3 less 9?" }];

/** undici, the body read and thrown away: what any client on this machine pays at least. */
function rawUndici(origin, latencyMs) {
  const pool = new Pool(origin, { headersTimeout: 0, bodyTimeout: 0, pipelining: 1 });
  const body = JSON.stringify({ model: "m", messages, stream: true });
  const path = `/${latencyMs}/v1/chat/completions`;
  const ask = async () => {
    const headers = { "content-type": "application/json" };
    const response = await pool.request({ path, method: "POST", headers, body });
    let size = 0;
    for await (const chunk of response.body) size += chunk.length;
    if (size < 24_000) throw new Error(`undici got ${size} bytes`);
  };
  return { ask, close: () => pool.destroy() };
}

async function openai(origin, latencyMs, load) {
  const { OpenAI } = await load("openai");
  const client = new OpenAI({ baseURL: `${origin}/${latencyMs}/v1`, apiKey: "none", maxRetries: 0 });
  const ask = async () => {
    let size = 0;
    const stream = await client.chat.completions.create({ model: "m", messages, stream: true });
    for await (const { choices } of stream) size += choices[0]?.delta?.reasoning_content?.length ?? 0;
    if (size < 24_000) throw new Error(`openai got ${size} characters`);
  };
  return { ask, close: async () => undefined };
}

async function ai(origin, latencyMs, load) {
  const [{ streamText }, { createOpenAICompatible }] = [await load("ai"), await load("@ai-sdk/openai-compatible")];
  const provider = createOpenAICompatible({ name: "fake", baseURL: `${origin}/${latencyMs}/v1` });
  const ask = async () => {
    const { reasoningText } = streamText({ model: provider("m"), messages, maxRetries: 0 });
    const size = (await reasoningText)?.length ?? 0;
    if (size < 24_000) throw new Error(`ai got ${size} characters`);
  };
  return { ask, close: async () => undefined };
}

/**
 * The clients that can be had, by name.
 *
 * @param folder where `node_modules` with the npm clients is looked for; this repository unless told.
 */
export async function otherClients(folder) {
  const require = createRequire(folder === undefined ? import.meta.url : join(folder, "package.json"));
  const load = async (name) => await import(pathToFileURL(require.resolve(name)).href);
  const clients = { undici: async (origin, latencyMs) => rawUndici(origin, latencyMs) };
  for (const [name, open] of Object.entries({ openai, ai })) {
    const isThere = await load(name).then(
      () => true,
      () => false,
    );
    if (isThere) clients[name] = (origin, latencyMs) => open(origin, latencyMs, load);
  }
  return clients;
}

// A teacher that thinks for so long and streams so much, in a process of its own, so that its CPU is not the client's.
// node bench/fake-teacher.mjs: prints its port; the path's first part is the latency in ms: /2000/v1/chat/completions
import { createServer } from "node:http";

const TRACE_BYTES = 24 * 1024;
const CHUNKS = 8;
const text = "so 17 times 3 is 51, and that less 9 leaves 42. ".repeat(TRACE_BYTES / 48);
const usage = {
  prompt_tokens: 20,
  completion_tokens: TRACE_BYTES / 4,
  total_tokens: 20 + TRACE_BYTES / 4,
  completion_tokens_details: { reasoning_tokens: TRACE_BYTES / 4 - 2 },
};
const base = { id: "chatcmpl-1", object: "chat.completion.chunk", created: 0, model: "m" };
const event = (delta, finish_reason = null, rest = {}) =>
  `data: ${JSON.stringify({ ...base, choices: [{ index: 0, delta, finish_reason }], ...rest })}\n\n`;

// Providers send a few tokens an event: 24 kB come in some 400 of them, here in eight writes.
const events = Array.from({ length: text.length / 64 }, (_, i) =>
  event({ reasoning_content: text.slice(i * 64, (i + 1) * 64) }),
);
const perWrite = Math.ceil(events.length / CHUNKS);
const writes = Array.from({ length: CHUNKS }, (_, i) =>
  Buffer.from(events.slice(i * perWrite, (i + 1) * perWrite).join("")),
);
writes.push(
  Buffer.from(
    `${event({ content: "42" })}${event({}, "stop")}data: ${JSON.stringify({ ...base, choices: [], usage })}\n\ndata: [DONE]\n\n`,
  ),
);
const message = { role: "assistant", reasoning_content: text, content: "42" };
const whole = Buffer.from(
  JSON.stringify({
    ...base,
    object: "chat.completion",
    choices: [{ index: 0, message, finish_reason: "stop" }],
    usage,
  }),
);

const sleep = (ms) => new Promise((resolve) => (ms > 0 ? setTimeout(resolve, ms) : setImmediate(resolve)));

async function answer(request, response) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const isStream = JSON.parse(Buffer.concat(chunks)).stream === true;
  const latencyMs = Number(request.url.split("/")[1]);
  if (!isStream) {
    await sleep(latencyMs);
    response.writeHead(200, { "content-type": "application/json", "content-length": whole.length });
    return response.end(whole);
  }
  response.writeHead(200, { "content-type": "text/event-stream" });
  const start = performance.now();
  for (const [i, bytes] of writes.entries()) {
    const dueMs = (latencyMs * (i + 1)) / writes.length - (performance.now() - start);
    if (latencyMs > 0) await sleep(dueMs);
    response.write(bytes);
  }
  return response.end();
}

const server = createServer((request, response) => answer(request, response).catch(() => response.destroy()));
// Clients that come back to an idle connection must find it open.
server.keepAliveTimeout = 600_000;
server.listen(0, "127.0.0.1", 2048, () => console.log(server.address().port));
process.on("disconnect", () => process.exit());

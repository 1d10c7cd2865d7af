// A vLLM that thinks nothing, in a process of its own: one token an event and stream, all streams in step, as continuous batching
// gives them. Its model is demo-base's tokenizer; every token is the same letter.
// Forked: prints its port; {tokensPerSecond} by message sets the pace of each stream, 0 is as fast as clients take it.
import { createServer } from "node:http";

const TOKEN = Number(process.argv[2]);
const TEXT = process.argv[3];
let tokensPerSecond = 50;
/** Streams under way. */
const streams = new Set();
let timer;

const base = {
  id: "cmpl-3f0c5e7a1b2d4c6e8f90a1b2c3d4e5f6",
  object: "text_completion",
  created: 1764460800,
  model: "student",
};
// What vLLM sends for each token.
const event = (finish_reason) => {
  const choice = { index: 0, text: TEXT, logprobs: null, finish_reason, stop_reason: null, token_ids: [TOKEN] };
  return `data: ${JSON.stringify({ ...base, choices: [{ ...choice, prompt_token_ids: null }], usage: null })}\n\n`;
};
const one = Buffer.from(event(null));
const last = Buffer.from(`${event("length")}data: [DONE]\n\n`);

/** Writes the stream's next token; whether it may take more at once. */
function writeOne(stream) {
  stream.left -= 1;
  if (stream.left > 0) return stream.response.write(one);
  streams.delete(stream);
  stream.response.end(last);
  return false;
}

/** Writes until the client is slower. */
function pump(stream) {
  for (let count = 0; streams.has(stream); count++) {
    if (!writeOne(stream)) return;
    if (count === 16) return void setImmediate(() => pump(stream)); // the others want their turn
  }
}

let due = 0;
function tick() {
  timer = undefined;
  if (tokensPerSecond === 0 || streams.size === 0) return;
  for (const stream of streams) writeOne(stream);
  due += 1000 / tokensPerSecond;
  timer = setTimeout(tick, Math.max(0, due - performance.now()));
}

function begin(response, tokens) {
  response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8" });
  const stream = { response, left: tokens };
  response.on("close", () => streams.delete(stream));
  streams.add(stream);
  if (tokensPerSecond === 0) {
    response.on("drain", () => pump(stream));
    return pump(stream);
  }
  writeOne(stream); // the prompt is read in no time
  if (timer !== undefined) return;
  due = performance.now() + 1000 / tokensPerSecond;
  timer = setTimeout(tick, 1000 / tokensPerSecond);
}

function whole(
  response,
  { max_tokens: tokens, stop_token_ids: stops = [], logit_bias: bias = {}, min_tokens: least = 0 },
) {
  // What it is forbidden it does not choose, so that it is seen to be able to.
  const isBarred = TOKEN in bias || (least > 0 && stops.includes(TOKEN));
  const isStop = !isBarred && stops.includes(TOKEN);
  const token_ids = Array.from({ length: isStop ? 1 : tokens }, () => (isBarred ? TOKEN + 1 : TOKEN));
  const choice = {
    index: 0,
    text: TEXT.repeat(token_ids.length),
    finish_reason: isStop ? "stop" : "length",
    token_ids,
  };
  response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({ ...base, choices: [choice] }));
}

const server = createServer(async (request, response) => {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  if (request.url === "/v1/models") {
    const data = [{ id: "student", max_model_len: 8192 }];
    return response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({ data }));
  }
  const body = JSON.parse(Buffer.concat(chunks));
  return body.stream ? begin(response, body.max_tokens) : whole(response, body);
});
server.keepAliveTimeout = 600_000;
server.listen(0, "127.0.0.1", 2048, () => process.send({ port: server.address().port }));
process.on("message", (message) => ({ tokensPerSecond } = message));
process.on("disconnect", () => process.exit());

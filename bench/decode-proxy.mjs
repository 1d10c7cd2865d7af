// What `grappa serve --upstream` adds to the server behind it: a fake vLLM, the proxy as its users start it, and the client, each a
// process of its own. The same streams straight from the server and through the proxy, in turn.
import { fork, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { readModelFolder } from "../dist/adapters/model-folder.js";
import { FOLDER } from "./demo-student.mjs";
import { say } from "./figures.mjs";
import { addSpread, median, spreadText } from "./spread.mjs";
import { StreamClient } from "./stream-client.mjs";

const STREAMS = 256;
/** A busy vLLM gives each of 256 streams about so many tokens a second. */
const PACE = 50;
const TOKENS = 250;
const LETTER = "x";
const ROUNDS = 5;
/** Single requests a round, of two tokens each. */
const SINGLES = 60;
/** Of `/proc/PID/stat`: clock ticks a second on Linux. */
const TICKS = 100;

/** Fills in `proxyAddedMs`, `proxyThroughput` and `proxySaturation`. */
export async function measureProxy(figures) {
  const place = await openPlace();
  try {
    await measureFirstToken(figures, place);
    await measureThroughput(figures, place, { name: "proxyThroughput", pace: PACE });
    await measureThroughput(figures, place, { name: "proxySaturation", pace: 0 });
  } finally {
    await place.close();
  }
}

/** `proxyAddedMs`: the median time to the first token through the proxy, less that straight from the server; one at a time. */
async function measureFirstToken(figures, { setPace, direct, proxied }) {
  setPace(1000); // the second token, which ends each, comes soon
  const added = [];
  let last = {};
  for (let round = 0; round <= ROUNDS; round++) {
    const times = { direct: [], proxied: [] };
    for (let count = 0; count < SINGLES; count++) {
      times.direct.push((await direct.stream(2)).firstMs);
      times.proxied.push((await proxied.stream(2)).firstMs);
    }
    last = times;
    if (round > 0) added.push(median(times.proxied) - median(times.direct));
  }
  addSpread(figures, "proxyAddedMs", added);
  const of = (list) => `${median(list).toFixed(2)} ms`;
  say(`proxyAddedMs: ${spreadText(added)}; to the first token ${of(last.proxied)} beside ${of(last.direct)}`);
}

/**
 * Tokens a second of all streams through the proxy, over those straight from the server; at a pace, or as fast as they go. With
 * the processor time that the proxy takes a token, where it can be read.
 */
async function measureThroughput(figures, { setPace, direct, proxied, cpuSeconds }, { name, pace }) {
  setPace(pace);
  const ratios = [];
  const costs = [];
  const firsts = { direct: [], proxied: [] };
  let speeds = {};
  for (let round = 0; round <= ROUNDS; round++) {
    const straight = await allStreams(direct);
    const cpu = cpuSeconds();
    const through = await allStreams(proxied);
    if (round === 0) continue; // everything is compiled
    ratios.push(through.tokensPerSecond / straight.tokensPerSecond);
    costs.push(((cpuSeconds() - cpu) * 1e6) / (STREAMS * TOKENS));
    firsts.direct.push(straight.firstMs);
    firsts.proxied.push(through.firstMs);
    speeds = { straight: straight.tokensPerSecond, through: through.tokensPerSecond };
  }
  addSpread(figures, name, ratios);
  figures[`${name}TokensPerSecond`] = speeds.through;
  figures[`${name}UpstreamTokensPerSecond`] = speeds.straight;
  if (!Number.isNaN(costs[0])) figures[`${name}MicrosPerToken`] = median(costs);
  const of = (list) => `${median(list).toFixed(0)} ms`;
  say(
    `${name}: ${spreadText(ratios, 3)}; ${Math.round(speeds.through)} beside ${Math.round(speeds.straight)} tokens/s, ${median(costs).toFixed(1)} us of processor time a token in the proxy, first tokens in the median after ${of(firsts.proxied)} beside ${of(firsts.direct)}`,
  );
}

/** All streams at once, each read to its end and checked. */
async function allStreams(client) {
  const start = performance.now();
  const streams = await Promise.all(Array.from({ length: STREAMS }, () => client.stream(TOKENS)));
  const seconds = (performance.now() - start) / 1000;
  for (const { text } of streams) {
    const letters = lettersOf(text());
    if (letters < TOKENS || !text().endsWith("data: [DONE]\n\n")) throw new Error(`${letters} tokens of ${TOKENS}`);
  }
  return { tokensPerSecond: (STREAMS * TOKENS) / seconds, firstMs: median(streams.map(({ firstMs }) => firstMs)) };
}

/** Letters of the model's in the events of a stream, thinking and answer. */
function lettersOf(text) {
  let count = 0;
  for (const line of text.split("\n")) {
    if (!line.startsWith("data: {")) continue;
    const { choices } = JSON.parse(line.slice(6));
    if (choices[0]?.grappa?.forced) continue;
    const { text: plain = "", delta = {} } = choices[0] ?? {};
    for (const part of [plain, delta.reasoning_content, delta.content]) count += part?.split(LETTER).length - 1 || 0;
  }
  return count;
}

/** The three processes. */
async function openPlace() {
  const { tokenizer, chatTemplate } = await readModelFolder(FOLDER);
  const [token] = tokenizer.encodeUser(LETTER);
  const upstream = fork(fileURLToPath(new URL("./fake-upstream.mjs", import.meta.url)), [String(token), LETTER], {
    execArgv: [],
  });
  const [{ port }] = await once(upstream, "message");
  const baseUrl = `http://127.0.0.1:${port}/v1`;
  const proxy = await startProxy(baseUrl);
  const messages = [{ role: "user", content: "62 a+36 b+27 c*5" }];
  const prompt = chatTemplate.encodePrompt(messages);
  const direct = new StreamClient(new URL(`${baseUrl}/completions`), {
    body: (tokens) => ({ model: "student", prompt, max_tokens: tokens, temperature: 0, stream: true }),
    mark: `"token_ids"`,
  });
  const proxied = new StreamClient(new URL(`${proxy.url}/v1/chat/completions`), {
    // One token is the answer's; the words of the cut before it are the proxy's own and count for nothing.
    body: (tokens) => ({
      ...{ model: "student", messages, stream: true },
      thinking: { budgetTokens: tokens - 1, answerReserve: 1 },
    }),
    mark: `"reasoning_content"`,
  });
  const close = async () => {
    await Promise.all([direct.close(), proxied.close()]);
    proxy.child.kill();
    upstream.kill();
  };
  const setPace = (tokensPerSecond) => upstream.send({ tokensPerSecond });
  return { direct, proxied, setPace, cpuSeconds: () => cpuSecondsOf(proxy.child.pid), close };
}

async function startProxy(upstream) {
  const main = fileURLToPath(new URL("../dist/cli/main.js", import.meta.url));
  const flags = ["--upstream", upstream, "--tokenizer", FOLDER, "--port", "0", "--json"];
  const node = (process.env.GRAPPA_BENCH_PROXY_NODE ?? "").split(" ").filter((word) => word !== "");
  const child = spawn(process.execPath, [...node, main, "serve", "student", ...flags], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const { value, done } = await createInterface({ input: child.stdout })[Symbol.asyncIterator]().next();
  if (done) throw new Error("grappa serve did not begin");
  return { child, url: JSON.parse(value).url };
}

/** Processor time of a process so far; NaN where it cannot be read. */
function cpuSecondsOf(pid) {
  const path = `/proc/${pid}/stat`;
  if (!existsSync(path)) return Number.NaN;
  const fields = readFileSync(path, "utf8").split(") ")[1].split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS;
}

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
const WINDOW_MS = 6000;
const LETTER = "x";
const ROUNDS = 5;
/** Single requests a round, of two tokens each. */
const SINGLES = 100;
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
  const seconds = pace === 0 ? 1 : TOKENS / pace;
  const [ratios, costs, speeds] = [[], [], { straight: [], through: [] }];
  for (let round = 0; round <= ROUNDS; round++) {
    const straight = await sustain(direct, seconds);
    const through = await sustain(proxied, seconds, cpuSeconds);
    if (round === 0) continue; // everything is compiled
    ratios.push(through.tokensPerSecond / straight.tokensPerSecond);
    speeds.straight.push(straight.tokensPerSecond);
    speeds.through.push(through.tokensPerSecond);
    costs.push(through.cpuMicros);
  }
  addSpread(figures, name, ratios);
  figures[`${name}TokensPerSecond`] = median(speeds.through);
  figures[`${name}UpstreamTokensPerSecond`] = median(speeds.straight);
  const cost = Number.isNaN(costs[0]) ? undefined : median(costs);
  if (cost !== undefined) figures[`${name}MicrosPerToken`] = cost;
  say(
    `${name}: ${spreadText(ratios, 3)}; ${spreadText(speeds.through, 0)} beside ${spreadText(speeds.straight, 0)} tokens/s; ${cost?.toFixed(1) ?? "?"} us of processor time a token in the proxy`,
  );
}

/**
 * Keeps all streams under way, a new one for each that ends, and counts what comes in a window of some seconds, once they have
 * spread out. The first of each are shorter, so that they do not all begin anew at once.
 */
async function sustain(client, secondsAStream, cpuSeconds = () => Number.NaN) {
  let isOver = false;
  const work = async (place) => {
    await pause((place / STREAMS) * secondsAStream * 1000);
    let tokens = Math.max(2, Math.round(TOKENS * (1 - place / STREAMS)));
    for (; !isOver; tokens = TOKENS) check(await client.stream(tokens), tokens);
  };
  const workers = Promise.all(Array.from({ length: STREAMS }, (_, place) => work(place)));
  await Promise.race([pause(secondsAStream * 1000 + 500), workers]);
  const [start, count, cpu] = [performance.now(), client.count, cpuSeconds()];
  await Promise.race([pause(WINDOW_MS), workers]);
  const [ms, counted] = [performance.now() - start, client.count - count];
  const cpuMicros = ((cpuSeconds() - cpu) * 1e6) / counted;
  isOver = true;
  await workers;
  return { tokensPerSecond: (counted * 1000) / ms, cpuMicros };
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Nothing is lost and nothing broken off. */
function check({ count, text }, tokens) {
  const isWhole = text.endsWith("data: [DONE]\n\n") && !text.includes('"error"');
  if (!isWhole || lettersOf(text) !== tokens) throw new Error(`${count} tokens of ${tokens}: ${text.slice(-400)}`);
}

/** Letters of the model's in the events of a stream, thinking and answer. */
function lettersOf(text) {
  let count = 0;
  for (const [, written] of text.matchAll(/"(?:text|content|reasoning_content)":"(x+)"/g)) count += written.length;
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
    mark: `"text":"${LETTER}"`,
  });
  const proxied = new StreamClient(new URL(`${proxy.url}/v1/chat/completions`), {
    // One token is the answer's; the words of the cut before it are the proxy's own and count for nothing.
    body: (tokens) => ({
      model: "student",
      messages,
      stream: true,
      thinking: { budgetTokens: tokens - 1, answerReserve: 1 },
    }),
    mark: `content":"${LETTER}"`,
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

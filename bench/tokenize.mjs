// How fast traces are counted in tokens, a second of processor time, beside the encode of @huggingface/tokenizers in turn in the same process.
// node bench/tokenize.mjs [--traces 400] [--passes 5] [--json]
import { readFileSync } from "node:fs";
import { Tokenizer as LibraryTokenizer } from "@huggingface/tokenizers";
import { prng } from "../dist/core/prng.js";
import { loadTokenizer } from "../dist/tokenize/tokenizer.js";
import { countPieces, learnMerges } from "../scripts/learn-merges.mjs";
import { finish, flag, say } from "./figures.mjs";

const traceCount = Number(flag("traces") ?? 400);
const passes = Number(flag("passes") ?? 5);
/** Merges of the larger tokenizer, and the distinct words that traces draw from. */
const MERGES = 4000;
const WORDS = 20_000;
const TRACE_TOKENS = 3600;

const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];
const readJson = (path) => JSON.parse(readFileSync(new URL(`../${path}`, import.meta.url), "utf8"));

/** Words of one to five syllables. The nth is drawn with a chance of 1/n, as words of a language are, about. */
function wordSource(random) {
  const syllables = Array.from({ length: 400 }, () => {
    const letter = (letters) => random.pick(letters);
    return letter("bcdfghjklmnprstvw") + letter("aeiou") + (random.next() < 0.4 ? letter("nrstlm") : "");
  });
  const words = Array.from({ length: WORDS }, () =>
    Array.from({ length: random.int(1, 5) }, () => random.pick(syllables)).join(""),
  );
  return () => words[Math.min(WORDS - 1, Math.floor(WORDS ** random.next()) - 1)];
}

/** Sentences with numbers and formulas in them, until about so many characters. */
function trace(random, word, characters) {
  let text = "";
  while (text.length < characters) {
    const sentence = Array.from({ length: random.int(6, 18) }, word);
    const number = () => random.int(0, 9999);
    text += `${sentence.join(" ")}, so $x_{${random.int(1, 9)}} = \\frac{${number()}}{${number()}}$. `;
    if (random.next() < 0.2) text += "\n\nWait, let me check.\n";
  }
  return text;
}

/** The layout of Qwen2 with a vocabulary learned from text like the traces. */
function largerTokenizer(sample) {
  const json = readJson("models/demo-base/tokenizer.json");
  const config = readJson("models/demo-base/tokenizer_config.json");
  const bytes = Object.keys(json.model.vocab).filter((token) => token.length === 1);
  const spell = (piece) =>
    Array.from(new TextEncoder().encode(piece), (byte) => {
      const isPrintable = (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
      return isPrintable ? String.fromCharCode(byte) : byte === 32 ? "\u0120" : byte === 10 ? "\u010a" : "?";
    });
  const pieces = sample.match(/[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+/gu);
  const merges = learnMerges(countPieces(pieces, spell), MERGES);
  const tokens = [...new Set([...bytes, ...merges.map((pair) => pair.join(""))])];
  json.model.vocab = Object.fromEntries(tokens.map((token, id) => [token, id]));
  json.model.merges = merges.map((pair) => pair.join(" "));
  json.added_tokens = json.added_tokens.map((added, place) => ({ ...added, id: tokens.length + place }));
  return { tokenizer: json, config };
}

/** Seconds of processor time so far: the same on a busy machine. */
function cpuSeconds() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

/** Tokens a second of processor time of `work` over texts; it gives how many tokens a text has. */
function speed(texts, work) {
  const start = cpuSeconds();
  let tokens = 0;
  for (const text of texts) tokens += work(text);
  return tokens / (cpuSeconds() - start);
}

/** Our count and the library's encode in turn, pass by pass; each pass counts with a tokenizer that has seen nothing. */
function measure(name, files, texts) {
  const library = new LibraryTokenizer(files.tokenizer, files.config);
  const few = texts.slice(0, Math.max(1, Math.floor(texts.length / 20)));
  const rows = Array.from({ length: passes }, () => {
    const fresh = loadTokenizer(files);
    const fromNothing = speed(texts, (text) => fresh.countUser(text));
    const again = speed(texts, (text) => fresh.countUser(text));
    const encode = speed(texts, (text) => fresh.encodeUser(text).length);
    const theirs = speed(few, (text) => library.encode(text).ids.length);
    return { fromNothing, again, encode, theirs, ratio: fromNothing / theirs };
  });
  const of = (key) => median(rows.map((row) => row[key]));
  const tokens = few.reduce((sum, text) => sum + loadTokenizer(files).countUser(text), 0) / few.length;
  say(`${name}: ${Math.round(tokens)} tokens a trace`);
  return {
    [`${name}CountTokensPerSecond`]: of("fromNothing"),
    [`${name}CountAgainTokensPerSecond`]: of("again"),
    [`${name}EncodeTokensPerSecond`]: of("encode"),
    [`${name}LibraryTokensPerSecond`]: of("theirs"),
    [`${name}CountVsLibrary`]: of("ratio"),
  };
}

const random = prng("bench/tokenize");
const word = wordSource(random);
say(`learning ${MERGES} merges ...`);
const larger = largerTokenizer(trace(random, word, 400_000));
const demo = {
  tokenizer: readJson("models/demo-base/tokenizer.json"),
  config: readJson("models/demo-base/tokenizer_config.json"),
};

/** Traces of about 3,600 tokens in a tokenizer's own count. */
function tracesFor(files) {
  const tokenizer = loadTokenizer(files);
  const sample = trace(random, word, 20_000);
  const characters = (TRACE_TOKENS * sample.length) / tokenizer.countUser(sample);
  return Array.from({ length: traceCount }, () => trace(random, word, characters));
}

finish("tokenize", {
  ...measure("demo", demo, tracesFor(demo)),
  ...measure("bpe4k", larger, tracesFor(larger)),
});

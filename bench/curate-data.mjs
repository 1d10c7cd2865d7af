// Questions and traces for bench/curate.mjs, drawn by a seed, with planted contamination and near-duplicates whose truth is known.
import { prng } from "../dist/core/prng.js";
import { questionId } from "../dist/questions/bucket.js";

const COMMON =
  `the of a and is to in that for with if find what be are has from by on at as each how many number let value which
all suppose there where then given such every real positive integer function points line circle triangle side length area angle
sum product ratio equal distinct smallest largest possible determine compute prove show probability random total between after
before time distance speed water metal particle mass charge field energy force constant temperature pressure reaction cells gene
protein market price interest rate company student teacher school book paper garden house river mountain city country year month
week hour minute second third fourth half quarter double twice together against during without through under above across around
people women children workers friends players cards coins balls boxes colours red green blue white black square rectangle polygon
vertex edge graph matrix vector space linear continuous derivative integral limit sequence series convergent bounded sum prime
factor divisor multiple remainder polynomial root equation inequality solution expression formula theorem condition argument
statement author passage sentence reader opinion evidence conclusion because although however therefore whether program array
string index queue memory process input output element sorted maximum minimum path length tree node weight`.split(
    /\s+/,
  );

/**
 * 20,000 words, of which the first are the most frequent, as in any language. The others are made of the letters that follow
 * each other in those, so that they share runs of letters as words do.
 */
function vocabulary() {
  const random = prng("curate/words");
  const following = new Map();
  for (const word of COMMON) {
    const letters = `  ${word} `;
    for (let at = 2; at < letters.length; at++) {
      const before = letters.slice(at - 2, at);
      following.set(before, (following.get(before) ?? "") + letters[at]);
    }
  }
  const words = new Set(COMMON);
  while (words.size < 20_000) {
    let word = "  ";
    do word += random.pick(following.get(word.slice(-2)));
    while (!word.endsWith(" ") && word.length < 16);
    if (word.length > 4) words.add(word.trim());
  }
  return [...words];
}

const WORDS = vocabulary();
const STEEPNESS = Math.log(WORDS.length);

/** A word by Zipf's law, or a piece of mathematics. */
function word(random) {
  const kind = random.next();
  if (kind > 0.88) return `$x_{${random.int(1, 30)}} = \\frac{${random.int(1, 99)}}{${random.int(2, 99)}}$`;
  return WORDS[Math.floor(Math.exp(random.next() * STEEPNESS)) - 1] ?? "the";
}

/** A question of 12 to 62 words, about 330 characters. */
export function questionText(random) {
  const words = Array.from({ length: random.int(12, 62) }, () => word(random));
  return `${words.join(" ")}?`;
}

/** The text with some words replaced. */
export function edited(text, edits, random) {
  const words = text.split(" ");
  for (let edit = 0; edit < edits; edit++) words[random.int(0, words.length - 1)] = word(random);
  return words.join(" ");
}

export function question(text, extra = {}) {
  const fixed = {
    schemaVersion: 1,
    answer: "42",
    family: "file",
    domain: "d",
    difficulty: 1,
    bucket: "train",
    metadata: {},
  };
  return { ...fixed, id: questionId(text), text, ...extra };
}

/** Benchmarks of `count` questions in all. */
export function benchmarks(count) {
  const random = prng("curate/benchmarks");
  const questions = Array.from({ length: count }, (_, at) => ({ id: String(at), text: questionText(random) }));
  return [{ name: "bench", questions }];
}

/**
 * `count` texts. Every 200th holds a run of nine words of a benchmark's question, every 1,000th is a benchmark's with every
 * seventh word another; every 50th is an earlier text with words replaced.
 */
export function pool(count, [{ questions: items }]) {
  const random = prng("curate/pool");
  const texts = [];
  const planted = { runs: new Set(), edits: new Map(), duplicates: new Map() };
  for (let at = 0; at < count; at++) {
    if (at % 200 === 7) {
      const words = random.pick(items).text.split(" ");
      const from = random.int(0, words.length - 9);
      texts.push(
        `${questionText(random)} ${words
          .slice(from, from + 9)
          .join("  ")
          .toUpperCase()} ${questionText(random)}`,
      );
      planted.runs.add(at);
    } else if (at % 1000 === 11) {
      const item = random.pick(items).text;
      const words = item.split(" ");
      texts.push(words.map((one, place) => (place % 7 === 6 ? random.pick(COMMON) : one)).join(" "));
      planted.edits.set(at, item);
    } else if (at % 50 === 13) {
      const from = random.int(0, at - 1);
      texts.push(edited(texts[from], random.int(1, 6), random));
      planted.duplicates.set(at, from);
    } else texts.push(questionText(random));
  }
  return { texts, planted };
}

/** A trace of about 3,600 tokens (12,000 characters), written as models reason, that ends with the answer. */
export function traceText(random) {
  const lines = [];
  for (let length = 0; length < 11_900; ) {
    const words = Array.from({ length: random.int(6, 18) }, () => word(random));
    const line = `${random.pick(["So", "Wait,", "Then", "Let me check:", "Hence"])} ${words.join(" ")} = ${random.int(1, 999)}.`;
    length += line.length + 1;
    lines.push(line);
  }
  return [...lines, "The answer is 42."].join("\n");
}

/** @file Answers that are no numbers, or numbers only by convention: texts, choices, times, infinities. */
import type { GoldKind } from "./generated-gold.ts";

const NAMES = [
  "Evelyn",
  "Angela",
  "Debra",
  "Carla",
  "Tuesday",
  "Friday",
  "even",
  "odd",
  "ellipse",
  "parabola",
  "red",
  "north",
];

const text: GoldKind = (random) => {
  const [name = "", other = ""] = random.shuffle(NAMES);
  return {
    gold: `\\text{${name}}`,
    same: {
      latex: {
        upright: `\\mathrm{${name}}`,
        case: `\\text{${name.toUpperCase()}}`,
        bold: `\\textbf{${name}}`,
        dot: `\\text{${name}.}`,
      },
      plain: { word: name, small: name.toLowerCase() },
    },
    other: { latex: { name: `\\text{${other}}`, number: "7" }, plain: { name: other } },
  };
};

const choice: GoldKind = (random) => {
  const [letter = "", other = ""] = random.shuffle(["A", "B", "C", "D", "E"]);
  return {
    gold: `\\text{${letter}}`,
    same: {
      latex: {
        parentheses: `\\text{(${letter})}`,
        bare: letter,
        "outer parentheses": `(\\text{${letter}})`,
        bold: `\\textbf{(${letter})}`,
      },
      plain: { letter, parentheses: `(${letter})` },
    },
    other: {
      latex: { letter: `\\text{${other}}`, parentheses: `\\text{(${other})}` },
      plain: { letter: `(${other})` },
    },
  };
};

const time: GoldKind = (random) => {
  const hour = random.int(1, 11);
  const minute = random.int(10, 58);
  return {
    gold: `${hour}\\text{:}${minute}\\text{ p.m.}`,
    same: {
      latex: { short: `${hour}:${minute}\\text{ PM}`, whole: `\\text{${hour}:${minute} p.m.}` },
      plain: { typed: `${hour}:${minute} PM`, small: `${hour}:${minute} pm`, dots: `${hour}:${minute} p.m.` },
    },
    other: {
      latex: {
        minute: `${hour}:${minute + 1}\\text{ PM}`,
        hour: `${hour + 1}:${minute}\\text{ PM}`,
        half: `${hour}:${minute}\\text{ AM}`,
      },
      plain: { minute: `${hour}:${minute + 1} PM` },
    },
  };
};

const infinity: GoldKind = (random) => {
  const sign = random.pick(["", "-"]);
  const other = sign === "" ? "-" : "";
  return {
    gold: `${sign}\\infty`,
    same: { latex: { sized: `\\left(${sign}\\infty\\right)` }, plain: { unicode: `${sign}∞` } },
    other: { latex: { sign: `${other}\\infty`, large: `${sign}10^{100}`, zero: "0" }, plain: { sign: `${other}∞` } },
  };
};

/** Kinds of words by name. */
export const WORDS: Readonly<Record<string, GoldKind>> = { text, choice, time, infinity };

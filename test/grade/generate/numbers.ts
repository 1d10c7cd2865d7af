/** @file Answers that are one number, by the ways in which numbers are written. */
import { except, gcd, type GoldKind } from "./generated-gold.ts";

const grouped = (n: number, separator: string): string => String(n).replace(/\B(?=(\d{3})+$)/g, separator);

const integer: GoldKind = (random) => {
  const n = random.int(2, 999) * (random.next() < 0.3 ? -1 : 1);
  return {
    gold: `${n}`,
    same: {
      latex: {
        itself: `${n}`,
        "point zero": `${n}.0`,
        "plus zero": `${n}+0`,
        "times one": `${n}\\cdot 1`,
        "times two over two": `\\frac{2(${n})}{2}`,
        sum: `${n - 7} + 7`,
        sign: n > 0 ? `+${n}` : `- ${-n}`,
        parentheses: `\\left( ${n} \\right)`,
        display: `\\displaystyle ${n}`,
        assignment: `x = ${n}`,
        chain: `x = ${n - 1} + 1 = ${n}`,
        text: `\\text{${n}}`,
        bold: `\\mathbf{${n}}`,
        braces: `{${n}}`,
        "root of the square": n > 0 ? `\\sqrt{(${n})^2}` : `-\\sqrt{(${n})^2}`,
        unit: `${n}\\text{ cm}`,
        squared: `${n}\\text{ cm}^2`,
        degrees: `${n}^\\circ`,
      },
      plain: { typed: `${n}`, decimal: `${n}.00`, words: `${n} units` },
    },
    other: {
      latex: {
        successor: `${n + 1}`,
        predecessor: `${n - 1}`,
        negated: `${-n}`,
        "times ten": `${n}0`,
        "and a half": `${n}.5`,
        "over two": `\\frac{${n}}{2}`,
        square: `(${n})^2`,
        "last digit lost": `${n}`.slice(0, -1) === "-" ? "0" : `${n}`.slice(0, -1) || "0",
        almost: `${n}.00${random.int(1, 9)}`,
      },
      plain: { successor: `${n + 1}`, negated: `${-n}` },
    },
  };
};

const thousands: GoldKind = (random) => {
  const n = random.int(1_000, 99_999_999);
  return {
    gold: `${n}`,
    same: {
      latex: {
        commas: grouped(n, ","),
        "braced commas": grouped(n, "{,}"),
        "tight commas": grouped(n, ",\\!"),
        "thin spaces": grouped(n, "\\,"),
        dollars: `\\$${grouped(n, ",")}`,
        "dollars and cents": `\\$${n}.00`,
      },
      plain: { commas: grouped(n, ","), spaces: grouped(n, " "), cents: `$${grouped(n, ",")}.00` },
    },
    other: {
      latex: { successor: grouped(n + 1, ","), "a group lost": grouped(Math.floor(n / 1000), "{,}") },
      plain: { "times a thousand": `${grouped(n, ",")},000`, successor: grouped(n + 1, " ") },
    },
  };
};

const UNICODE_FRACTIONS: Readonly<Record<string, string>> = { "1/2": "½", "1/4": "¼", "3/4": "¾" };

const fraction: GoldKind = (random) => {
  const q = random.pick([2, 3, 4, 5, 6, 7, 8, 9, 11, 16, 20, 25, 56]);
  let p = random.int(1, 3 * q);
  while (gcd(p, q) !== 1) p = random.int(1, 3 * q);
  const k = random.int(2, 9);
  const whole = Math.floor(p / q);
  const isFinite = gcd(q, 7 * 9 * 11) === 1;
  const unicode = UNICODE_FRACTIONS[`${p}/${q}`];
  return {
    gold: `\\frac{${p}}{${q}}`,
    same: {
      latex: {
        dfrac: `\\dfrac{${p}}{${q}}`,
        tfrac: `\\tfrac{${p}}{${q}}`,
        slash: `${p}/${q}`,
        over: `{${p} \\over ${q}}`,
        unreduced: `\\frac{${k * p}}{${k * q}}`,
        division: `${p} \\div ${q}`,
        product: `${p} \\cdot \\frac{1}{${q}}`,
        "two signs": `\\frac{-${p}}{-${q}}`,
        power: `${p} \\cdot ${q}^{-1}`,
        assignment: `k = \\frac{${p}}{${q}}`,
        tower: `\\frac{${p}/2}{${q}/2}`,
        ...(p < 10 && q < 10 && { "without braces": `\\frac${p}${q}` }),
        ...(isFinite && { decimal: `${p / q}`, "decimal, approximately": `\\frac{${p}}{${q}} = ${p / q}` }),
        ...(whole > 0 && q > 1 && { mixed: `${whole}\\frac{${p - whole * q}}{${q}}` }),
      },
      plain: {
        slash: `${p}/${q}`,
        ...(whole > 0 && { mixed: `${whole} ${p - whole * q}/${q}` }),
        ...(unicode !== undefined && { unicode }),
      },
    },
    other: {
      latex: {
        numerator: `\\frac{${p + 1}}{${q}}`,
        denominator: `\\frac{${p}}{${q + 1}}`,
        negated: `-\\frac{${p}}{${q}}`,
        ...(p !== q && p > 1 && { inverted: `\\frac{${q}}{${p}}` }),
        "numerator only": `${p}`,
        square: `\\left(\\frac{${p}}{${q}}\\right)^2`,
        "one digit": except({ "": (p / q).toFixed(1) }, `${p / q}`)[""] ?? `${p + q}`,
      },
      plain: { numerator: `${p + 1}/${q}`, negated: `-${p}/${q}` },
    },
  };
};

const mixed: GoldKind = (random) => {
  const whole = random.int(1, 20);
  const q = random.pick([2, 4, 5, 8]);
  const p = random.pick([1, 3].filter((n) => n < q));
  const top = whole * q + p;
  return {
    gold: `${whole}\\frac{${p}}{${q}}`,
    same: {
      latex: {
        improper: `\\frac{${top}}{${q}}`,
        decimal: `${top / q}`,
        sum: `${whole}+\\frac{${p}}{${q}}`,
        spaced: `${whole}\\,\\dfrac{${p}}{${q}}`,
      },
      plain: { spaced: `${whole} ${p}/${q}`, improper: `${top}/${q}` },
    },
    other: {
      latex: {
        product: `${whole}\\cdot\\frac{${p}}{${q}}`,
        whole: `${whole + 1}\\frac{${p}}{${q}}`,
        difference: `${whole}-\\frac{${p}}{${q}}`,
      },
      plain: { digits: `${whole}${p}/${q}` },
    },
  };
};

const decimal: GoldKind = (random) => {
  const places = random.int(1, 4);
  const units = random.int(1, 99_999) * 10 + random.int(1, 9);
  const text = (units / 10 ** places).toFixed(places);
  const next = ((units + 1) / 10 ** places).toFixed(places);
  return {
    gold: text,
    same: {
      latex: {
        "trailing zeros": `${text}00`,
        fraction: `\\frac{${units}}{${10 ** places}}`,
        approximately: `\\approx ${text}`,
        scientific: `${units} \\times 10^{-${places}}`,
        ...(text.startsWith("0.") && { "no leading zero": text.slice(1) }),
      },
      plain: { "trailing zero": `${text}0`, unit: `${text} cm` },
    },
    other: {
      latex: {
        "last digit": next,
        negated: `-${text}`,
        shifted: `${(units / 10 ** (places + 1)).toFixed(places + 1)}`,
      },
      plain: { "last digit": next, "point lost": `${units}` },
    },
  };
};

const percent: GoldKind = (random) => {
  const n = random.int(1, 99);
  return {
    gold: `${n}\\%`,
    same: {
      latex: { text: `${n}\\text{ percent}`, spaced: `${n} \\%`, decimal: `${n}.0\\%`, value: `\\frac{${n}}{100}` },
      plain: { sign: `${n}%`, word: `${n} percent`, short: `${n} pct` },
    },
    other: { latex: { next: `${n + 1}\\%`, tenth: `${(n / 10).toFixed(1)}\\%` }, plain: { next: `${n + 1} percent` } },
  };
};

const scientific: GoldKind = (random) => {
  const digits = random.int(11, 99);
  const exponent = random.int(3, 12);
  const mantissa = (digits / 10).toFixed(1);
  return {
    gold: `${mantissa} \\times 10^{${exponent}}`,
    same: {
      latex: {
        dot: `${mantissa} \\cdot 10^{${exponent}}`,
        expanded: `${digits}${"0".repeat(exponent - 1)}`,
        shifted: `${digits} \\times 10^{${exponent - 1}}`,
        ...(exponent < 10 && { "without braces": `${mantissa}\\times10^${exponent}` }),
      },
      plain: {
        e: `${mantissa}e${exponent}`,
        caret: `${mantissa} x 10^${exponent}`,
        stars: `${mantissa} * 10**${exponent}`,
        sign: `${mantissa} × 10^${exponent}`,
      },
    },
    other: {
      latex: { exponent: `${mantissa} \\times 10^{${exponent + 1}}`, negated: `${mantissa} \\times 10^{-${exponent}}` },
      plain: { exponent: `${mantissa}e${exponent + 1}` },
    },
  };
};

const baseN: GoldKind = (random) => {
  const base = random.pick([2, 3, 5, 7, 8]);
  const value = random.int(base * base, 500);
  const digits = value.toString(base);
  const wrong = (value + 1).toString(base);
  return {
    gold: `${digits}_{${base}}`,
    same: { latex: { "without braces": `${digits}_${base}`, text: `${digits}_{\\text{${base}}}` } },
    other: { latex: { next: `${wrong}_{${base}}` } },
  };
};

/** Pairs that agree to many digits and are not equal; doubles cannot tell them apart. */
const nearEquality: GoldKind = (random) =>
  random.pick([
    { gold: "262537412640768744", same: {}, other: { latex: { Ramanujan: "e^{\\pi\\sqrt{163}}" } } },
    {
      gold: "\\frac{1}{2^{99}}",
      same: { latex: { power: "2^{-99}" } },
      other: { latex: { twice: "\\frac{1}{2^{98}}" } },
    },
    {
      gold: "10^{15}+\\sqrt{2}",
      same: { latex: { swapped: "\\sqrt{2}+10^{15}" } },
      other: { latex: { one: "10^{15}+1", "almost root": "10^{15}+1.414" } },
    },
    {
      gold: "\\frac{10^{20}+1}{10^{20}}",
      same: { latex: { sum: "1+10^{-20}" } },
      other: { latex: { one: "1", "the other side": "1-10^{-20}" } },
    },
    {
      gold: "2^{100}",
      same: { latex: { digits: "1267650600228229401496703205376" } },
      other: { latex: { "last digit": "1267650600228229401496703205377" } },
    },
    { gold: "\\frac{22}{7}", same: {}, other: { latex: { pi: "\\pi" } } },
    { gold: "\\pi", same: { latex: { twice: "\\frac{2\\pi}{2}" } }, other: { latex: { Milue: "\\frac{355}{113}" } } },
  ]);

/** Kinds of numbers by name. */
export const NUMBERS: Readonly<Record<string, GoldKind>> = {
  integer,
  thousands,
  fraction,
  mixed,
  decimal,
  percent,
  scientific,
  "base n": baseN,
  "near equality": nearEquality,
};

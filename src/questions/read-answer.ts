/** @file Readers of answers in the forms that questions ask for. Each gives null for anything else; none guesses. */
import { undecorated } from "../core/undecorated.ts";
import { type Fraction, fraction } from "./fraction.ts";

/** An answer without LaTeX dress: `\frac{3}{4}` is (3)/(4), `\times` is *, `\{1, 2\}` is 1, 2; and without quotation marks. */
export function plainAnswer(text: string): string {
  // Commands with arguments first: what undresses an answer takes any closing brace at its end.
  const plain = text
    .replace(/\\(?:text|mathrm|mathbf|textbf|texttt|operatorname)\s*\{([^{}]*)\}/gu, "$1")
    .replace(/\\[dt]?frac\s*\{([^{}]*)\}\s*\{([^{}]*)\}/gu, "($1)/($2)")
    .replace(/\\(?:times|cdot|ast)(?![a-zA-Z])|[\u00d7\u22c5\u00b7\u2217]/gu, "*")
    .replace(/\\div(?![a-zA-Z])|[\u00f7\u2215]/gu, "/")
    .replace(/\\(?:left|right|,|;|!|quad|qquad)(?![a-zA-Z])|\\[{}]/gu, " ");
  const bare = undecorated(plain.replace(/\s+/gu, " "));
  const quoted = /^(["'\u201c\u2018])(.*)["'\u201d\u2019]$/u.exec(bare)?.[2];
  return quoted === undefined ? bare : undecorated(quoted);
}

const INTEGER = /^[-+]?(?:[0-9]{1,60}|[0-9]{1,3}(?:,[0-9]{3}){1,19})$/u;

/** A whole number of at most 60 digits, with or without thousands commas. */
export function readInteger(text: string): bigint | null {
  const bare = plainAnswer(text);
  if (!INTEGER.test(bare)) return null;
  return BigInt(bare.replaceAll(",", "").replace(/^\+/u, ""));
}

/** A list of whole numbers, apart by commas or spaces; names before them (`x = 3`) and brackets around them are let pass. */
export function readIntegers(text: string, most = 100): bigint[] | null {
  const bare = plainAnswer(text)
    .replace(/[a-zA-Z]\w{0,2}\s*=/gu, " ")
    .replace(/^[[({]\s*(.*?)\s*[\])}]$/u, "$1")
    .replace(/\band\b/gu, " ")
    .trim();
  const parts = bare.split(/\s*[,;]\s*|\s+/u).filter((part) => part !== "");
  if (parts.length === 0 || parts.length > most || parts.some((part) => !/^[-+]?[0-9]{1,30}$/u.test(part))) return null;
  return parts.map((part) => BigInt(part.replace(/^\+/u, "")));
}

/**
 * Whole numbers that belong to names, in the names' order: `y = 1, x = 2` as well as a list without names. Null where a name is
 * missing, twice or another.
 */
export function readNamedIntegers(text: string, names: readonly string[]): bigint[] | null {
  const given = [...plainAnswer(text).matchAll(/([a-zA-Z]\w{0,2})\s*=/gu)].map(([, name = ""]) => name.toLowerCase());
  const numbers = readIntegers(text, names.length);
  if (numbers?.length !== names.length) return null;
  if (given.length === 0) return numbers;
  const ordered = names.map((name) => numbers[given.indexOf(name)]);
  const isWhole = given.length === names.length && new Set(given).size === names.length;
  return isWhole && ordered.every((number) => number !== undefined) ? ordered : null;
}

/** A whole number or `p/q`, as it is written: not reduced. */
export function readRatio(text: string): { readonly n: bigint; readonly d: bigint } | null {
  const match = /^(-?)\(?(-?[0-9]{1,60})\)?(?:\s*\/\s*\(?([0-9]{1,60})\)?)?$/u.exec(plainAnswer(text));
  if (match === null) return null;
  const [, sign, numerator = "", denominator = "1"] = match;
  const [n, d] = [BigInt(numerator) * (sign === "-" ? -1n : 1n), BigInt(denominator)];
  return d === 0n ? null : { n, d };
}

/** A decimal number, exactly, with or without thousands commas. */
export function readDecimal(text: string): Fraction | null {
  const match = /^([-+]?)([0-9]{1,60}|[0-9]{1,3}(?:,[0-9]{3}){1,19})(?:\.([0-9]{1,60}))?$/u.exec(plainAnswer(text));
  if (match === null) return null;
  const [, sign, whole = "", decimals = ""] = match;
  const digits = BigInt(whole.replaceAll(",", "") + decimals) * (sign === "-" ? -1n : 1n);
  return fraction(digits, 10n ** BigInt(decimals.length));
}

/** Some of the names, each once, apart by commas, spaces or "and"; `none` is the empty list. */
export function readNames(text: string, names: readonly string[]): string[] | null {
  const bare = plainAnswer(text);
  if (/^none$/iu.test(bare)) return [];
  const parts = bare.split(/\s*,\s*(?:and\s+)?|\s+and\s+|\s+/u);
  const found = parts.flatMap((part) => names.find((name) => name.toLowerCase() === part.toLowerCase()) ?? []);
  return found.length === parts.length && new Set(found).size === found.length ? found : null;
}

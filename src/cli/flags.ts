/** @file Flags and parsers that several commands share. */
import { AppError } from "../core/errors.ts";
import { parsePriceOverride } from "../ledger/price-override.ts";
import { parseOverride, type RecipeOverride } from "../pipeline/override-recipe.ts";
import { STAGE_NAMES } from "../schema/manifest.ts";

/** Parser of a whole number within bounds, for flags. */
export function wholeNumber(low: number, high: number): (input: string) => number {
  return (input) => {
    const value = Number(input);
    if (/^\d+$/.test(input) && value >= low && value <= high) return value;
    throw new AppError("usage", `expected a whole number from ${low} to ${high}, found ${input}`);
  };
}

/** Parser of whole numbers within bounds, separated by commas, for flags. */
export function wholeNumbers(low: number, high: number): (input: string) => readonly number[] {
  const one = wholeNumber(low, high);
  return (input) => input.split(",").map((part) => one(part.trim()));
}

/** Parser of a number within bounds, for flags. */
export function decimalNumber(low: number, high: number): (input: string) => number {
  return (input) => {
    const value = Number(input);
    if (/^\d+(\.\d+)?$/.test(input) && value >= low && value <= high) return value;
    throw new AppError("usage", `expected a number from ${low} to ${high}, found ${input}`);
  };
}

/** Parser of text that is taken as it is. */
export const plainText = (input: string): string => input;

/** Parser of a SHA-256: 64 hex digits. */
export function sha256Text(input: string): string {
  if (/^[0-9a-f]{64}$/i.test(input)) return input;
  throw new AppError("usage", `expected a SHA-256, 64 hex digits, found ${input.length} characters`);
}

/** Largest seed. */
export const MAX_SEED = Number.MAX_SAFE_INTEGER;

/** `--json`. */
export const jsonFlag = {
  json: { kind: "boolean", brief: "print one line of JSON instead of text", default: false, withNegated: false },
} as const;

/** `--threads`. */
export const threadsFlag = {
  threads: {
    kind: "parsed",
    parse: wholeNumber(1, 256),
    brief: "threads to compute with (default: all, or GRAPPA_THREADS)",
    optional: true,
    placeholder: "N",
  },
} as const;

/** Flags for a GGUF. */
export const ggufFlags = {
  context: {
    kind: "parsed",
    parse: wholeNumber(64, 1 << 20),
    brief: "tokens of a GGUF's context (default: the model's own, at most 8192)",
    optional: true,
    placeholder: "N",
  },
  tokenizer: {
    kind: "parsed",
    parse: plainText,
    brief: "a model's folder whose tokenizer and template stand for a GGUF's own",
    optional: true,
    placeholder: "FOLDER",
  },
} as const;

/** `--price`. */
export const priceFlag = {
  price: {
    kind: "parsed",
    parse: (input: string) => parsePriceOverride(input),
    brief: "what a model's tokens cost, dollars a million, in and out; beats recipe and price list; may be repeated",
    optional: true,
    variadic: true,
    placeholder: "MODEL=IN/OUT",
  },
} as const;

/** Flags of the commands that may spend money. */
export const spendFlags = {
  ...priceFlag,
  acceptTerms: {
    kind: "parsed",
    parse: plainText,
    brief: "accept the terms of use of a teacher's provider for this run; may be repeated; recorded in the manifest",
    optional: true,
    variadic: true,
    placeholder: "PROVIDER",
  },
  retryFailed: {
    kind: "boolean",
    brief: "ask again for what failed for good before (failed.jsonl), and for what a smaller limit cut",
    default: false,
    withNegated: false,
  },
} as const;

const stage = (brief: string) =>
  ({ kind: "enum", values: STAGE_NAMES, brief, optional: true, placeholder: "STAGE" }) as const;

/** The RECIPE on a command line. */
export const recipeArgument = {
  brief: "path of a recipe (.json, .js, .mjs), or the name of one that comes with grappa",
  parse: plainText,
  placeholder: "RECIPE",
  default: "recipe.json",
} as const;

/** `--strict`. */
export const strictFlag = {
  strict: {
    kind: "boolean",
    brief: "stop at the first row of a data set that is no question, instead of reporting it and going on",
    default: false,
    withNegated: false,
  },
} as const;

/** Flags of the commands that run a recipe. */
export const runFlags = {
  ...jsonFlag,
  ...threadsFlag,
  seed: {
    kind: "parsed",
    parse: wholeNumber(0, MAX_SEED),
    brief: "seed of every random choice (default: the recipe's)",
    optional: true,
    placeholder: "N",
  },
  run: {
    kind: "parsed",
    parse: plainText,
    brief: "folder of the run (default: runs/NAME-SEED)",
    optional: true,
    placeholder: "DIR",
  },
  set: {
    kind: "parsed",
    parse: (input: string): RecipeOverride => parseOverride(input),
    brief: "change a field of the recipe, for example train.epochs=3; may be repeated",
    optional: true,
    variadic: true,
    placeholder: "PATH=VALUE",
  },
  until: stage("stop after this stage"),
  from: stage("run this stage and the later ones again"),
  update: {
    kind: "boolean",
    brief: "let a changed recipe into an existing run; what it does not touch is kept",
    default: false,
    withNegated: false,
  },
  controls: {
    kind: "boolean",
    brief: "after the run, its controls: what else could explain the gain, and whether Wait may be claimed",
    default: false,
    withNegated: false,
  },
  verify: { kind: "boolean", brief: "check finished stages by hash, not by size", default: false, withNegated: false },
  plan: { kind: "boolean", brief: "say what would be done, and do nothing", default: false, withNegated: false },
} as const;

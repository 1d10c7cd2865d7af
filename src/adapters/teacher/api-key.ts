/** @file Where a key comes from, what it may look like, and how it is kept out of everything that comes back. */
import { AppError } from "../../core/errors.ts";

/** Longest key, characters; a file that is longer holds something else. */
const MAX_KEY_CHARACTERS = 4096;

/**
 * The key in an environment variable.
 * @throws {AppError} `usage`: not set; the message names the variable.
 */
export function readApiKey(environment: Readonly<Record<string, string | undefined>>, name: string): string {
  const key = environment[name]?.trim() ?? "";
  if (key !== "") return key;
  if (!/^[A-Za-z_][A-Za-z0-9_]{0,39}$/.test(name))
    throw new AppError("usage", "what is given as the name of the key's environment variable is no such name", {
      hint: "give the variable's name, such as DEEPSEEK_API_KEY, and not the key itself (it is not shown here)",
    });
  throw new AppError("usage", `the environment variable ${name} is not set`, {
    hint: `set ${name} to the teacher's key, or leave apiKeyEnv out if the endpoint needs none`,
  });
}

/**
 * The key that a file holds, ends trimmed.
 * @throws {AppError} `usage`: empty, or too long for a key; the message names the file and shows nothing of it.
 */
export function keyInFile(text: string, path: string, called: string): string {
  const key = text.trim();
  if (key !== "" && key.length <= MAX_KEY_CHARACTERS) return key;
  throw new AppError("usage", `${called}'s key file ${path} holds ${key === "" ? "nothing" : "no key"}`, {
    hint: `the file holds the key alone, on one line of at most ${MAX_KEY_CHARACTERS} characters`,
  });
}

/**
 * The key, if a header can carry it.
 * @throws {AppError} `usage`: it holds a space, a line end or the like.
 */
export function checkApiKey(apiKey: string, called: string): string {
  if (/^[\x21-\x7e]+$/.test(apiKey)) return apiKey;
  throw new AppError("usage", `${called}'s key holds a character that no header can carry`, {
    hint: "check the variable or the file for spaces, line ends or quotes around the key",
  });
}

/** The key as a bearer token; no header where there is none. */
export function bearer(apiKey: string | undefined): Readonly<Record<string, string>> {
  return apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` };
}

/** Shorter keys are placeholders for servers that need none (`EMPTY`, `ollama`), and may be words of a trace. */
const MIN_SECRET_CHARACTERS = 16;

/**
 * A function that takes the key out of a text, should a provider echo it: neither an error nor a record may hold it. Also
 * as JSON may write it, with its slashes escaped.
 */
export function keyRedactor(apiKey: string | undefined): (text: string) => string {
  if (apiKey === undefined || apiKey.length < MIN_SECRET_CHARACTERS) return (text) => text;
  const spellings = [...new Set([apiKey, JSON.stringify(apiKey).slice(1, -1), apiKey.replaceAll("/", "\\/")])];
  return (text) => spellings.reduce((rest, key) => (rest.includes(key) ? rest.replaceAll(key, "[key]") : rest), text);
}

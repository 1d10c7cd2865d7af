/** @file Flags of `grappa serve`. */
import { AppError } from "../core/errors.ts";
import { type Effort, EFFORTS } from "../server/openai/thinking-controls.ts";

const LOOPBACK: ReadonlySet<string> = new Set(["127.0.0.1", "::1", "localhost"]);
const MOST_TOKENS = 1 << 24;

/** `low=512` as a pair. Throws "usage". */
export function parseEffort(input: string): readonly [Effort, number] {
  const [, name, tokens] = /^([a-z]+)=(\d{1,8})$/.exec(input) ?? [];
  const effort = EFFORTS.find((one) => one === name);
  if (effort !== undefined && Number(tokens) <= MOST_TOKENS) return [effort, Number(tokens)];
  throw new AppError("usage", `expected an effort and its tokens, such as low=512, found ${input}`, {
    hint: `efforts are ${EFFORTS.join(", ")}`,
  });
}

/**
 * The keys of a server, from the environment.
 * @throws {AppError} usage: the variable is not set; or others than this machine could ask, and nobody is asked for a key
 */
export function serveKeys(
  { host, keysEnv }: { readonly host: string; readonly keysEnv: string | undefined },
  secrets: (name: string) => string | undefined,
): readonly string[] {
  if (keysEnv === undefined) {
    if (isLoopback(host)) return [];
    throw new AppError("usage", `--host ${host} lets others in, and no key is asked for`, {
      hint: "give --keys-env NAME, the variable that holds the keys",
      data: { host },
    });
  }
  const keys = (secrets(keysEnv) ?? "").split(",").map((key) => key.trim());
  const real = keys.filter((key) => key !== "");
  if (real.length > 0) return real;
  throw new AppError("usage", `${keysEnv} is not set: it holds the keys that clients must send`, {
    hint: `set ${keysEnv} to one key or several, separated by commas`,
    data: { variable: keysEnv },
  });
}

/** Whether only this machine reaches an address. */
export function isLoopback(host: string): boolean {
  return LOOPBACK.has(host);
}

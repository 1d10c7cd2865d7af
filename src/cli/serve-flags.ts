/** @file Flags of `grappa serve`. */
import { checkApiKey } from "../adapters/teacher/api-key.ts";
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

/** The server that decodes, as the flags name it. */
export interface UpstreamFlags {
  readonly upstream: string;
  /** A folder, a model's name, or `hf:`. */
  readonly tokenizer: string;
  readonly apiKey: string | undefined;
  readonly contextTokens: number | undefined;
  readonly spellings: "refuse" | "neutralise";
}

/**
 * The flags about another server; undefined where there is none.
 * @throws {AppError} usage: one of them without `--upstream`, no tokenizer, or its key's variable is not set
 */
export function upstreamOf(
  flags: {
    readonly upstream?: string;
    readonly tokenizer?: string;
    readonly upstreamKeyEnv?: string;
    readonly context?: number;
    readonly neutralise: boolean;
  },
  secrets: (name: string) => string | undefined,
): UpstreamFlags | undefined {
  const { upstream, tokenizer, upstreamKeyEnv: name, context, neutralise } = flags;
  if (upstream === undefined) {
    // --tokenizer and --context are a GGUF's too: whoever opens the model says whether they fit.
    if (name === undefined && !neutralise) return undefined;
    throw new AppError("usage", "--upstream-key-env and --neutralise belong to --upstream URL", {
      hint: "name the server that decodes, or leave them out",
    });
  }
  if (tokenizer === undefined)
    throw new AppError("usage", "--upstream needs --tokenizer: prompts are rendered and encoded here", {
      hint: "give the folder with tokenizer.json and the chat template that the server's model has, or hf:OWNER/NAME",
    });
  const apiKey = name === undefined ? undefined : upstreamKey(name, secrets);
  const spellings = neutralise ? "neutralise" : "refuse";
  return { upstream, tokenizer, apiKey, contextTokens: context, spellings };
}

function upstreamKey(name: string, secrets: (name: string) => string | undefined): string {
  const isName = /^[A-Za-z_][A-Za-z0-9_]{0,63}$/.test(name); // what is none may be the key itself: it is not shown
  const key = isName ? (secrets(name)?.trim() ?? "") : "";
  if (key !== "") return checkApiKey(key, "the server");
  throw new AppError("usage", isName ? `${name} is not set` : "what --upstream-key-env names is no variable", {
    hint: "give the name of the variable that holds the server's key, or leave it out where none is asked for",
  });
}

/** Whether only this machine reaches an address. */
export function isLoopback(host: string): boolean {
  return LOOPBACK.has(host);
}

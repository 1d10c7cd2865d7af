import type { AppError } from "../../core/errors.ts";
import { findModel } from "../../pipeline/evaluation/find-model.ts";
import { findTokenizer } from "../../pipeline/find-tokenizer.ts";
import type { Listening } from "../../server/listen.ts";
import type { ServeApp } from "../../server/serve-app.ts";
import type { Effort } from "../../server/openai/thinking-controls.ts";
import type { ServedModel } from "../../server/served-model.ts";
import { type CommonFlags, presenting } from "../command-result.ts";
import type { CliContext } from "../context.ts";
import { type GgufFlags, ggufPlace } from "../gguf-place.ts";
import { hubAccess } from "../hub-access.ts";
import { isLoopback, serveKeys, upstreamOf } from "../serve-flags.ts";
import { printable } from "../printable.ts";

/** Flags of `grappa serve`. */
export interface ServeFlags extends CommonFlags, GgufFlags {
  readonly threads?: number;
  readonly host: string;
  readonly port: number;
  readonly keysEnv?: string;
  readonly upstream?: string;
  readonly tokenizer?: string;
  readonly upstreamKeyEnv?: string;
  readonly context?: number;
  readonly neutralise: boolean;
  readonly name?: string;
  readonly slots?: number;
  readonly budget?: number;
  readonly wait: number;
  readonly waitText: string;
  readonly answerTokens?: number;
  readonly effort?: readonly (readonly [Effort, number])[];
  readonly maxWaiting?: number;
  readonly maxSeconds?: number;
}

const SLOTS = 8;
/** As many sequences as vLLM takes at once unless told. */
const UPSTREAM_SLOTS = 256;
const MAX_BODY_BYTES = 4 << 20;
const MAX_WAITING = 256;
const MAX_SECONDS = 600;
/** Beyond that, a connection may be silent for so long. */
const IDLE_SECONDS = 60;
/** What is under way may take so long to finish after Ctrl-C. */
const GRACE_MS = 30_000;

/** Serves until it is stopped. */
export default presenting<ServeFlags, [string]>(async (context, flags, model) => {
  const keys = serveKeys({ host: flags.host, keysEnv: flags.keysEnv }, context.secrets);
  const served = await openModel(context, flags, model);
  try {
    const app = await buildServing(context, flags, { served, keys });
    const { listen } = await import("../../server/listen.ts");
    const idleMs = ((flags.maxSeconds ?? MAX_SECONDS) + IDLE_SECONDS) * 1000;
    const listening = await listen(app, { host: flags.host, port: flags.port, idleMs });
    // Before anybody is told that it listens: who reads that may stop it at once.
    const stopped = new Promise<void>((resolve) => context.onInterrupt(resolve));
    announce(context, flags, { listening, served, keys: keys.length });
    await stopped;
    context.process.stderr.write("\nfinishing what is under way (once more to stop at once)\n");
    const stopListening = context.onInterrupt(() => app.abort());
    await listening.close(GRACE_MS);
    stopListening();
    return undefined; // all was said when it began
  } finally {
    await served.runtime.close();
  }
});

async function openModel(context: CliContext, flags: ServeFlags, model: string): Promise<ServedModel> {
  const upstream = upstreamOf(flags, context.secrets);
  const thinking = {
    efforts: Object.fromEntries(flags.effort ?? []),
    budgetTokens: flags.budget,
    waits: flags.wait,
    waitText: flags.waitText,
    answerReserve: flags.answerTokens,
  };
  if (upstream !== undefined) {
    const tokenizerFolder = await findTokenizer(upstream.tokenizer, { ...context.recipes, hub: hubAccess(context) });
    const { openUpstreamModel } = await import("../../server/open-upstream-model.ts");
    const slots = flags.slots ?? UPSTREAM_SLOTS;
    return await openUpstreamModel({
      ...thinking,
      ...upstream,
      tokenizerFolder,
      model,
      id: flags.name ?? model,
      slots,
    });
  }
  const { name, folder } = await findModel(model, context.recipes);
  const { openAnyModel } = await import("../../server/open-gguf-model.ts");
  const gguf = ggufPlace(flags, context, folder);
  const id = flags.name ?? name;
  const threads = flags.threads ?? context.settings.threads;
  return await openAnyModel({ ...thinking, folder, gguf, id, threads, slots: flags.slots ?? SLOTS });
}

async function buildServing(
  context: CliContext,
  flags: ServeFlags,
  { served, keys }: { readonly served: ServedModel; readonly keys: readonly string[] },
): Promise<ServeApp> {
  const { serveApp } = await import("../../server/serve-app.ts");
  const { ReplyMaker } = await import("../../server/served-model.ts");
  const { BearerKeys } = await import("../../server/bearer-keys.ts");
  const newId = (): string => crypto.randomUUID();
  return serveApp({
    maker: new ReplyMaker(served, newId),
    keys: new BearerKeys(keys),
    limits: {
      maxBodyBytes: MAX_BODY_BYTES,
      maxWaiting: flags.maxWaiting ?? MAX_WAITING,
      maxSeconds: flags.maxSeconds ?? MAX_SECONDS,
    },
    now: () => Date.parse(context.clock.date()),
    newId,
    onFailure: (error) => context.process.stderr.write(`error: ${printable(messageOf(error))}\n`),
    // Without keys a page of another site must not reach it by a name that it made lead here.
    hostNames: keys.length === 0 && isLoopback(flags.host) ? ["127.0.0.1", "localhost", "[::1]"] : [],
  });
}

function messageOf(error: unknown): string {
  const { code, message } = error as Partial<AppError>;
  return `${code === undefined ? "" : `${code}: `}${message ?? String(error)}`.slice(0, 1000);
}

/** On standard error for people, or as one line of JSON that tells a program where it listens. */
function announce(
  { process }: CliContext,
  { json }: ServeFlags,
  { listening, served, keys }: { readonly listening: Listening; readonly served: ServedModel; readonly keys: number },
): void {
  const { id, runtime, defaults } = served;
  if (json) {
    process.stdout.write(
      `${JSON.stringify({ url: listening.url, model: id, contextTokens: runtime.contextTokens, limits: runtime.limits })}\n`,
    );
    return;
  }
  const effort = Object.entries(defaults.efforts).map(([name, tokens]) => `${name} ${tokens}`);
  const lines = [
    `${id} on ${listening.url}/v1, context of ${runtime.contextTokens} tokens${keys > 0 ? `, ${keys} keys` : ""}`,
    ...runtime.limits.map((limit) => `limit: ${limit}`),
    `thinking tokens by reasoning_effort: ${effort.join(", ")}; the others until thinking ends by itself`,
    "Ctrl-C ends it",
  ];
  process.stderr.write(`${lines.map(printable).join("\n")}\n`);
}

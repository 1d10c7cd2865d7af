import { AppError } from "../../core/errors.ts";
import { findModel } from "../../pipeline/evaluation/find-model.ts";
import type { ChatReply, ChatSession, ChatSetting } from "../../pipeline/services.ts";
import { chatLoop } from "../chat-loop.ts";
import { type CommandResult, type CommonFlags, presenting } from "../command-result.ts";
import type { CliContext } from "../context.ts";
import { type GgufFlags, ggufPlace } from "../gguf-place.ts";
import { describeReply } from "../reply-text.ts";

/** Flags of `grappa chat`. */
export interface ChatFlags extends CommonFlags, GgufFlags {
  readonly threads?: number;
  readonly prompt?: string;
  readonly budget?: number;
  readonly wait: number;
}

/** Talks to a student. */
export default presenting<ChatFlags, [string]>(async (context, flags, model) => {
  if (flags.json && flags.prompt === undefined) throw new AppError("usage", "--json needs --prompt TEXT");
  const { name, folder, runFolder } = await findModel(model, context.recipes);
  const session = await context.services.openChat({
    fs: context.fs,
    folder,
    name: runFolder === undefined ? name : `${name}'s student`,
    runFolder,
    threads: flags.threads ?? context.settings.threads,
    gguf: ggufPlace(flags, context, folder),
  });
  const setting: ChatSetting = { budgetTokens: flags.budget, waits: flags.wait };
  try {
    if (flags.prompt !== undefined)
      return presentReply(await replyUntilInterrupted(context, session, { prompt: flags.prompt, setting }));
    await chatLoop(context, session, setting);
    return { json: {}, text: "" };
  } finally {
    await session.close();
  }
});

function presentReply(reply: ChatReply): CommandResult {
  return { json: reply, text: describeReply(reply) };
}

async function replyUntilInterrupted(
  context: CliContext,
  session: ChatSession,
  { prompt, setting }: { readonly prompt: string; readonly setting: ChatSetting },
): Promise<ChatReply> {
  const controller = new AbortController();
  const stopListening = context.onInterrupt(() =>
    controller.abort(new AppError("interrupted", "stopped by the user", { isRetryable: true })),
  );
  try {
    return await session.reply(prompt, setting, { signal: controller.signal });
  } finally {
    stopListening();
  }
}

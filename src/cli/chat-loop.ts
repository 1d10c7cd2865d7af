import { AppError } from "../core/errors.ts";
import type { ChatSession, ChatSetting, ChatWatch } from "../pipeline/services.ts";
import type { CliContext } from "./context.ts";
import { describeError } from "./error-text.ts";
import { printable } from "./printable.ts";
import { describeReply, describeTokens, streamPieces } from "./reply-text.ts";

const HELP = [
  "/budget N   think at most N tokens (0: answer at once); /budget alone: until it ends by itself",
  '/wait N     replace N ends of thinking by "Wait"',
  "/quit       end (so does Ctrl-D; Ctrl-C stops a reply)",
].join("\n");

/** What a typed line asks for. */
export type ChatCommand =
  | { readonly kind: "prompt"; readonly text: string }
  | { readonly kind: "set"; readonly setting: ChatSetting; readonly said: string }
  | { readonly kind: "say"; readonly said: string }
  | { readonly kind: "quit" };

/** Reads one line, given the setting so far. Pure. */
export function readChatLine(line: string, setting: ChatSetting): ChatCommand {
  const text = line.trim();
  if (!text.startsWith("/")) return text === "" ? { kind: "say", said: "" } : { kind: "prompt", text };
  const [command, argument, ...rest] = text.slice(1).split(/\s+/);
  const number =
    argument === undefined || rest.length > 0 || !/^\d{1,6}$/.test(argument) ? undefined : Number(argument);
  switch (command) {
    case "budget":
      if (argument !== undefined && number === undefined)
        return { kind: "say", said: "/budget takes a whole number, or nothing" };
      return {
        kind: "set",
        setting: { ...setting, budgetTokens: number },
        said: number === undefined ? "thinks until it ends by itself" : `thinks at most ${number} tokens`,
      };
    case "wait":
      if (number === undefined || number > 16) return { kind: "say", said: "/wait takes a whole number from 0 to 16" };
      return { kind: "set", setting: { ...setting, waits: number }, said: `${number} x Wait` };
    case "quit":
    case "exit":
      return { kind: "quit" };
    case "help":
      return { kind: "say", said: HELP };
    default:
      return { kind: "say", said: `no command is called /${command ?? ""}\n${HELP}` };
  }
}

/** Answers typed prompts until the input ends; an error of one reply is shown and the conversation goes on. */
export async function chatLoop(context: CliContext, session: ChatSession, initial: ChatSetting): Promise<void> {
  const { stdout, stderr } = context.process;
  let setting = initial;
  const { model, maxThinkingTokens, example } = session;
  stderr.write(`${model}, up to ${maxThinkingTokens} thinking tokens; /help lists the commands\n`);
  if (example !== undefined) stderr.write(`it learned questions such as: ${printable(example)}\n`);
  const input = context.openInput();
  let controller: AbortController | undefined;
  const listen = (): (() => void) =>
    context.onInterrupt(() => {
      if (!controller) return input.close();
      controller.abort(new AppError("interrupted", "stopped", { isRetryable: true }));
      stopListening = listen();
    });
  let stopListening = listen();
  try {
    for await (const line of input) {
      const command = readChatLine(line, setting);
      if (command.kind === "quit") return;
      if (command.kind === "prompt") {
        controller = new AbortController();
        const watch = { signal: controller.signal, ...streaming(context) };
        stdout.write(`${await answer(session, { prompt: command.text, setting, watch })}\n`);
        controller = undefined;
      } else {
        if (command.kind === "set") setting = command.setting;
        if (command.said !== "") stderr.write(`${command.said}\n`);
      }
    }
  } finally {
    stopListening();
    input.close();
  }
}

/** On a terminal a reply is shown as it comes. */
function streaming({ terminal, process }: CliContext): Pick<ChatWatch, "onPiece"> {
  return terminal.hasColor ? { onPiece: streamPieces((text) => process.stdout.write(text)) } : {};
}

async function answer(
  session: ChatSession,
  turn: { prompt: string; setting: ChatSetting; watch: ChatWatch },
): Promise<string> {
  try {
    const reply = await session.reply(turn.prompt, turn.setting, turn.watch);
    return turn.watch.onPiece === undefined ? describeReply(reply) : `\n${describeTokens(reply)}`;
  } catch (error) {
    if (error instanceof AppError) return describeError(error);
    throw error;
  }
}

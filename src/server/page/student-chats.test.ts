import { expect, test } from "vitest";
import { CHAT_REPLY } from "../../../test/ui/chat-reply.ts";
import { AppError } from "../../core/errors.ts";
import type { ChatSession } from "../../pipeline/services.ts";
import { StudentChats } from "./student-chats.ts";

const LISTENER = { signal: new AbortController().signal, onState: () => undefined, onPiece: () => undefined };
const after = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** Chats with students whose replies and closing a test sets, and what was done to them. */
function chatsWith({
  reply = async () => CHAT_REPLY,
  close = async () => undefined,
  idleMs = 60_000,
}: Partial<Pick<ChatSession, "reply" | "close">> & { readonly idleMs?: number }) {
  const told = { folder: "train-1", log: [] as string[], failures: [] as unknown[] };
  const chats = new StudentChats({
    find: async () => told.folder,
    open: async (_run, folder) => {
      told.log.push(`open ${folder}`);
      const ended = async (): Promise<void> => {
        await close();
        told.log.push(`closed ${folder}`);
      };
      return { model: folder, maxThinkingTokens: 64, example: undefined, reply, close: ended };
    },
    idleMs,
    onFailure: (error) => void told.failures.push(error),
  });
  const ask = () => chats.reply("a-run", { prompt: "x", budgetTokens: null, waits: 0, page: "one" }, LISTENER);
  return { chats, told, ask };
}

test("opens a student anew when its run has trained it again, and not before", async () => {
  const { chats, told, ask } = chatsWith({});
  await ask();
  await ask();
  told.folder = "train-2";
  await ask();
  await chats.close();
  expect(told.log).toEqual(["open train-1", "closed train-1", "open train-2", "closed train-2"]);
});

test("keeps no student whose engine failed, but one that refused a prompt", async () => {
  let fault: Error = new AppError("limit-exceeded", "the prompt is too long");
  const { chats, told, ask } = chatsWith({ reply: () => Promise.reject(fault) });
  await expect(ask()).rejects.toThrow("too long");
  fault = new Error("the engine is gone");
  await expect(ask()).rejects.toThrow("gone");
  await expect(ask()).rejects.toThrow("gone");
  await chats.close();
  expect(told.log).toEqual(["open train-1", "closed train-1", "open train-1", "closed train-1"]);
});

test("opens none while another is being closed: two may not fit into memory", async () => {
  let isClosing = false;
  const close = async (): Promise<void> => {
    isClosing = true;
    await after(30);
  };
  const { chats, told, ask } = chatsWith({ close, idleMs: 1 });
  await ask();
  while (!isClosing) await after(1);
  expect(told.log).toEqual(["open train-1"]);
  await ask();
  await chats.close();
  expect(told.log).toEqual(["open train-1", "closed train-1", "open train-1", "closed train-1"]);
});

test("logs what closing a student failed at, and goes on", async () => {
  const fault = new Error("the engine is gone");
  const { chats, told, ask } = chatsWith({ close: () => Promise.reject(fault), idleMs: 1 });
  await ask();
  while (told.failures.length === 0) await after(1);
  expect(await ask()).toEqual(CHAT_REPLY);
  await chats.close();
  expect(told.failures).toEqual([fault, fault]);
});

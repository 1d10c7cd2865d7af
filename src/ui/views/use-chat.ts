import { useEffect, useRef, useState } from "preact/hooks";
import { askStudent } from "../api/client.ts";
import { faultOf } from "../api/use-api.ts";
import { emptyReply, type ReplySoFar, withEvent } from "./chat-replies.ts";

/** A question, and its replies at one budget or several. */
export interface Turn {
  readonly id: number;
  readonly prompt: string;
  readonly replies: readonly ReplySoFar[];
}

/** Older questions are forgotten. */
const MOST_TURNS = 20;
/** Tells this page from others, so that they take turns. */
const PAGE = String(crypto.getRandomValues(new Uint32Array(1))[0]);

/** A conversation of single questions with a run's student; leaving the view gives up what is under way. */
export function useChat(run: string) {
  const [turns, setTurns] = useState<readonly Turn[]>([]);
  const ending = useRef(new AbortController());
  const nextId = useRef(1);
  useEffect(() => () => ending.current.abort(), []);

  const change = (id: number, at: number, next: (reply: ReplySoFar) => ReplySoFar): void =>
    setTurns((all) =>
      all.map((turn) =>
        turn.id === id
          ? { ...turn, replies: turn.replies.map((one, place) => (place === at ? next(one) : one)) }
          : turn,
      ),
    );

  const listen = async (
    prompt: string,
    reply: ReplySoFar,
    { id, at }: { readonly id: number; readonly at: number },
  ) => {
    const { budgetTokens, waits } = reply;
    const { signal } = ending.current;
    try {
      for await (const event of askStudent(run, { prompt, budgetTokens, waits, page: PAGE }, signal))
        change(id, at, (one) => withEvent(one, event));
    } catch (error) {
      change(id, at, (one) => ({ ...one, state: "stopped", fault: signal.aborted ? null : faultOf(error) }));
    }
  };

  /** Asks at each of the budgets. */
  const ask = (prompt: string, budgets: readonly (number | null)[], waits: number): void => {
    const id = nextId.current++;
    const replies = budgets.map((budget) => emptyReply(budget, waits));
    setTurns((all) => [{ id, prompt, replies }, ...all].slice(0, MOST_TURNS));
    for (const [at, reply] of replies.entries()) void listen(prompt, reply, { id, at });
  };

  /** Gives up every reply that is under way. */
  const stop = (): void => {
    ending.current.abort();
    ending.current = new AbortController();
  };

  return { turns, ask, stop, isBusy: turns.some(({ replies }) => replies.some(isUnderWay)) };
}

/** Whether more of it will come. */
export function isUnderWay({ state }: ReplySoFar): boolean {
  return state !== "ended" && state !== "stopped";
}

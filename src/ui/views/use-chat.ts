import { useEffect, useRef, useState } from "preact/hooks";
import { askStudent } from "../api/client.ts";
import { emptyReply, hearReply, isUnderWay, type ReplySoFar } from "./chat-replies.ts";
import { InTurn } from "./in-turn.ts";

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
  // A student answers one question at a time, and a browser has six connections for all pages.
  const inTurn = useRef(new InTurn());
  useEffect(() => () => ending.current.abort(), []);

  const change = (id: number, at: number, next: (reply: ReplySoFar) => ReplySoFar): void =>
    setTurns((all) =>
      all.map((turn) =>
        turn.id === id
          ? { ...turn, replies: turn.replies.map((one, place) => (place === at ? next(one) : one)) }
          : turn,
      ),
    );

  /** Asks at each of the budgets. */
  const ask = (prompt: string, budgets: readonly (number | null)[], waits: number): void => {
    const id = nextId.current++;
    const replies = budgets.map((budget) => emptyReply(budget, waits));
    setTurns((all) => [{ id, prompt, replies }, ...all].slice(0, MOST_TURNS));
    const { signal } = ending.current;
    for (const [at, { budgetTokens }] of replies.entries())
      void inTurn.current.do(async () => {
        const events = askStudent(run, { prompt, budgetTokens, waits, page: PAGE }, signal);
        await hearReply(events, { signal, change: (next) => change(id, at, next) });
      });
  };

  /** Gives up every reply that is under way. */
  const stop = (): void => {
    ending.current.abort();
    ending.current = new AbortController();
  };

  return { turns, ask, stop, isBusy: turns.some(({ replies }) => replies.some(isUnderWay)) };
}

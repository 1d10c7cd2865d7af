/** @file node-llama-cpp without llama.cpp: sequences whose logits are a hash of all they hold, and a module around them. */
import { shortHash } from "../src/core/hash.ts";
import type { LlamaModule, LlamaSequence, WantedLogits } from "../src/adapters/runtimes/llama-module.ts";
import type { Tokenizer } from "../src/tokenize/tokenizer.ts";

/** Logits behind a sequence, in few steps so that ties are frequent. */
export function logitsOf(ids: readonly number[], rows: number): number[] {
  let state = Number.parseInt(shortHash(ids.join()).slice(0, 8), 16);
  return Array.from({ length: rows }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state >>> 24) % 32;
  });
}

/** A sequence that checks what it is asked, and what was evaluated on it. */
export interface FakeSequence extends LlamaSequence {
  readonly evaluated: number[][];
  /** All that the sequence held after each evaluation. */
  readonly held: number[][];
  /** Makes evaluations fail with these words. */
  fails: string | undefined;
  /** Makes all logits NaN. */
  isDamaged: boolean;
}

interface FakeSequenceOptions {
  readonly rows: number;
  readonly forgets?: boolean;
  readonly seed?: number;
}

/** @param options `forgets`: a cache that cannot be cut, and is emptied instead; `seed`: another model for each */
export function fakeSequence({ rows, forgets = false, seed }: FakeSequenceOptions): FakeSequence {
  const held: number[] = [];
  const evaluated: number[][] = [];
  const contents: number[][] = [];
  const sequence: FakeSequence = {
    evaluated,
    held: contents,
    fails: undefined,
    isDamaged: false,
    get nextTokenIndex() {
      return held.length;
    },
    eraseContextTokenRanges: async ([range]) => {
      if (range === undefined || range.end !== held.length || range.start >= range.end)
        throw new Error(`cannot erase ${JSON.stringify(range)} of ${held.length}`);
      held.length = forgets ? 0 : range.start;
    },
    controlledEvaluate: async (input) => {
      await Promise.resolve();
      const ids = input.map((item) => (typeof item === "number" ? item : item[0]));
      if (ids.length === 0 || ids.some((id) => !(id >= 0 && id < rows))) throw new Error(`no ids: ${ids.join()}`);
      if (sequence.fails !== undefined) {
        held.fill(0).push(0); // what a failure leaves behind is not known
        throw new Error(sequence.fails);
      }
      evaluated.push(ids);
      held.push(...ids);
      contents.push([...held]);
      const last = input.at(-1);
      if (typeof last !== "object") throw new Error("no logits wanted");
      const logits = logitsOf(seed === undefined ? held : [seed, ...held], rows).map((logit) =>
        sequence.isDamaged ? Number.NaN : logit,
      );
      const wanted = last[1];
      return input.map((_, at) => (at < input.length - 1 ? undefined : { next: { logits: told(logits, wanted) } }));
    },
  };
  return sequence;
}

/** What node-llama-cpp tells of logits: a map, the largest first. */
function told(logits: readonly number[], { generateNext }: WantedLogits): ReadonlyMap<number, number> {
  const sorted = [...logits.entries()].sort(([a, x], [b, y]) => y - x || a - b);
  if (generateNext.logits === true) return new Map(sorted);
  const { includeSelected, includeTop = 0 } = generateNext.logits.filter;
  return new Map(sorted.slice(0, Math.max(includeTop, includeSelected === true ? 1 : 0)));
}

/** How a fake module differs from one that works. */
export interface FakeLlama {
  readonly metadata: unknown;
  /** As llama.cpp would read text. */
  readonly tokenizer: Pick<Tokenizer, "encodeUser" | "encodeControl" | "vocabularySize">;
  readonly trainContextSize?: number;
  /** Contexts of more sequences do not fit the memory. */
  readonly mostSequences?: number;
}

class InsufficientMemoryError extends Error {}

/** A module, and what is open of it. */
export function fakeLlama({ metadata, tokenizer, trainContextSize = 512, mostSequences = 64 }: FakeLlama) {
  const open = new Set<string>();
  const opening = (name: string) => {
    open.add(name);
    return { dispose: async () => void open.delete(name) };
  };
  const contexts: Record<string, unknown>[] = [];
  const opened: FakeSequence[] = [];
  const createContext = async (options: object) => {
    const { sequences, contextSize } = options as { sequences: number; contextSize: number };
    contexts.push({ ...options });
    if (sequences > mostSequences) throw new InsufficientMemoryError("A context of these sizes is too large");
    const getSequence = (): FakeSequence => {
      const sequence = fakeSequence({ rows: tokenizer.vocabularySize });
      opened.push(sequence);
      return sequence;
    };
    return { contextSize, getSequence, ...opening("context") };
  };
  const tokenize = (text: string, withControl: boolean) =>
    withControl ? tokenizer.encodeControl(text) : tokenizer.encodeUser(text);
  const llama: LlamaModule = {
    readGgufFileInfo: async () => ({ metadata }),
    getLlama: async () => ({
      loadModel: async () => ({ trainContextSize, tokenize, createContext, ...opening("model") }),
      ...opening("llama"),
    }),
  };
  return { llama, open, contexts, sequences: opened };
}

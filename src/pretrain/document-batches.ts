import type { TrainSequence } from "../student/trainer.ts";
import { encodeDocument } from "../tokenize/s1-format.ts";
import type { Tokenizer } from "../tokenize/tokenizer.ts";
import type { Lesson } from "./base-kinds.ts";
import { baseDocument } from "./base-text.ts";

/** One batch of documents, and the index of the first document after it. */
export interface DocumentBatch {
  readonly sequences: readonly TrainSequence[];
  readonly nextDocument: number;
}

/** Endless batches of base documents in index order, each as many whole documents as fit `batchTokens`. */
export function documentBatches(options: {
  tokenizer: Tokenizer;
  lesson: Lesson;
  seed: number;
  batchTokens: number;
  firstDocument: number;
}): { next(): DocumentBatch } {
  let document = options.firstDocument;
  let waiting: TrainSequence | undefined;
  const draw = (): TrainSequence =>
    encodeDocument(options.tokenizer, baseDocument(options.lesson, document, options.seed));
  return {
    next() {
      const sequences: TrainSequence[] = [];
      let tokens = 0;
      for (;;) {
        waiting ??= draw();
        tokens += waiting.inputIds.length;
        if (tokens > options.batchTokens && sequences.length > 0) break;
        sequences.push(waiting);
        waiting = undefined;
        document++;
      }
      return { sequences, nextDocument: document };
    },
  };
}

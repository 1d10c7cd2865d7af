import { prng } from "../core/prng.ts";
import type { TokenSource } from "../decode/token-source.ts";
import type { Tokenizer } from "../tokenize/tokenizer.ts";
import { drawFact, type Style, writeStep } from "./single-steps.ts";

/** Share of single steps that a model gets right when the step and its left operand are given. */
export interface StepAccuracy {
  readonly style: Style;
  readonly n: number;
  readonly correct: number;
}

const LONGEST_LINE = 64;

/** Measures single steps on fresh operands, greedily: the model writes the line from its `=` or `:` on. */
export async function measureSteps(
  source: TokenSource,
  tokenizer: Tokenizer,
  options: { style: Style; n: number; seed: number },
): Promise<StepAccuracy> {
  let correct = 0;
  for (let start = 0; start < options.n; start += source.slots) {
    const count = Math.min(source.slots, options.n - start);
    const facts = Array.from({ length: count }, (_, i) => drawLine(options, start + i));
    const written = await writeLines(
      source,
      tokenizer,
      facts.map(({ user, given }) => ({ user, given })),
    );
    facts.forEach(({ given, line }, i) => {
      if (given + written[i] === line) correct++;
    });
  }
  return { style: options.style, n: options.n, correct };
}

function drawLine({ style, seed }: { style: Style; seed: number }, index: number) {
  const random = prng(`measure-steps/${seed}/${style}/${index}`);
  const family = random.pick(["arithmetic", "program"] as const);
  const { step, left } = drawFact(random, family, "a");
  const { line } = writeStep(step, left, style);
  // What comes after the item and the left operand is the model's to write: the operation, the working, the result.
  const given = line.slice(0, step.item.length + 1 + String(left).length);
  return { user: style === "quick" ? "quick" : "care", given, line };
}

async function writeLines(
  source: TokenSource,
  tokenizer: Tokenizer,
  prompts: readonly { user: string; given: string }[],
): Promise<string[]> {
  const newline = tokenizer.encodeUser("\n")[0];
  const texts: number[][] = prompts.map(() => []);
  let pending = prompts.map(({ user, given }, slot) => ({
    slot,
    ids: [
      ...tokenizer.encodeControl(`<|im_start|>user\n${user}<|im_end|>\n<|im_start|>assistant\n<|im_start|>think\n`),
      ...tokenizer.encodeUser(given),
    ],
  }));
  for (const { slot } of pending) source.truncate(slot, 0);
  for (let i = 0; i < LONGEST_LINE && pending.length > 0; i++) {
    const chosen = await source.extend(
      pending.map((row) => ({ ...row, forbidden: [], sampling: { temperature: 0, key: "" } })),
    );
    pending = pending.flatMap(({ slot }, row) => {
      const id = chosen[row];
      if (
        id === undefined ||
        id === newline ||
        id === tokenizer.controlIds.imStart ||
        id === tokenizer.controlIds.imEnd
      )
        return [];
      texts[slot]?.push(id);
      return [{ slot, ids: [id] }];
    });
  }
  return texts.map((ids) => tokenizer.decode(ids));
}

/**
 * @file Draws chains of steps whose running values stay in 0..999 while the operations stay evenly mixed: operations and
 * multipliers are drawn first, then each value's feasible range is worked out from the last step backwards, and start
 * and operands are drawn inside it.
 */
import { invariant } from "../core/errors.ts";
import type { Prng } from "../core/prng.ts";
import { keyAt, MAX_STEPS, MAX_VALUE, type Operation, type Problem, runStep, type Step } from "./steps.ts";

/** How one family writes its questions. */
export interface Notation {
  /** Share of steps that run on odd values only. */
  readonly conditionalShare: number;
  /** A step as it stands in the question. */
  item(step: Omit<Step, "item">): string;
  /** The whole question. */
  text(problem: Problem): string;
}

/** What to draw. */
export interface DrawOptions {
  readonly notation: Notation;
  /** Number of steps, 1 to {@link MAX_STEPS}. */
  readonly steps: number;
  /** Refuses a beginning of the chain (at least one step); by default all are welcome. */
  readonly accept?: (beginning: Problem) => boolean;
}

interface Slot {
  readonly operation: Operation;
  readonly isConditional: boolean;
  /** 0 unless the operation is `*`. */
  readonly multiplier: number;
  /** Feasible values before the step. */
  readonly low: number;
  readonly high: number;
}

const OPERATIONS: readonly Operation[] = ["+", "-", "*"];
/** A chain is redrawn at most this often; without `accept` one or two draws do. */
const MAX_DRAWS = 10_000;
/** Operands tried for one step before the whole chain is redrawn (only `accept` can refuse one). */
const MAX_OPERANDS = 24;

/** One question's worth of steps; the same random stream gives the same chain. */
export function drawProblem(random: Prng, options: DrawOptions): Problem {
  invariant(options.steps >= 1 && options.steps <= MAX_STEPS, `a question has 1 to ${MAX_STEPS} steps`);
  for (let draw = 0; draw < MAX_DRAWS; draw++) {
    const slots = drawSlots(random, options);
    const problem = slots === null ? null : fillSlots(random, slots, options);
    if (problem !== null) return problem;
  }
  throw new Error(`bug in grappa: no chain of ${options.steps} steps was accepted in ${MAX_DRAWS} draws`);
}

function drawSlots(random: Prng, options: DrawOptions): Slot[] | null {
  const kinds = Array.from({ length: options.steps }, () => ({
    operation: random.pick(OPERATIONS),
    isConditional: random.next() < options.notation.conditionalShare,
  }));
  const slots: Slot[] = [];
  let [low, high] = [0, MAX_VALUE];
  for (let i = kinds.length - 1; i >= 0; i--) {
    const kind = kinds[i] as (typeof kinds)[number];
    const earlier = kinds.slice(0, i).filter((other) => other.operation === "*").length;
    // Each earlier product at least doubles a value of 2 or more: leave that much room.
    const multiplier =
      kind.operation === "*" ? random.int(2, Math.max(2, Math.min(9, Math.floor(high / 2 ** (earlier + 1))))) : 0;
    const before = rangeBefore(kind.operation, multiplier, [low, high]);
    low = kind.isConditional ? Math.max(low, before[0]) : before[0];
    high = kind.isConditional ? Math.min(high, before[1]) : before[1];
    if (low > high) return null;
    slots.unshift({ ...kind, multiplier, low, high });
  }
  return slots;
}

/** Values before a step from which some operand leads into [low, high]. */
function rangeBefore(
  operation: Operation,
  multiplier: number,
  [low, high]: readonly [number, number],
): [number, number] {
  if (operation === "+") return [0, high - 1];
  if (operation === "-") return [low + 1, MAX_VALUE];
  return [Math.max(2, Math.ceil(low / multiplier)), Math.floor(high / multiplier)];
}

function fillSlots(random: Prng, slots: readonly Slot[], { notation, accept }: DrawOptions): Problem | null {
  const first = slots[0] as Slot;
  const start = random.int(first.low, first.high);
  const steps: Step[] = [];
  let value = start;
  for (const [i, slot] of slots.entries()) {
    const { low, high } = slots[i + 1] ?? { low: 0, high: MAX_VALUE };
    const step = fillSlot();
    if (step === null) return null;
    steps.push(step);
    value = runStep(step, value).result;

    function fillSlot(): Step | null {
      for (let attempt = 0; attempt < MAX_OPERANDS; attempt++) {
        const operand = drawOperand(random, slot, { value, low, high });
        const bare = { key: keyAt(i), operation: slot.operation, operand, isConditional: slot.isConditional };
        const candidate = { ...bare, item: notation.item(bare) };
        if (accept === undefined || accept({ start, steps: [...steps, candidate] })) return candidate;
        if (slot.operation === "*") return null;
      }
      return null;
    }
  }
  return { start, steps };
}

function drawOperand(random: Prng, slot: Slot, at: { value: number; low: number; high: number }): number {
  if (slot.operation === "*") return slot.multiplier;
  if (slot.operation === "-") return random.int(Math.max(1, at.value - at.high), at.value - at.low);
  const most = at.high - at.value;
  // Two or three digits where there is room: adding 1 to 9 trains little.
  return random.int(Math.min(Math.max(10, at.low - at.value), most), most);
}

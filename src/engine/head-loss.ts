import type { Graph, Parameter, Tensor } from "./graph.ts";
import { addWeightGradient, multiply } from "./multiply.ts";
import type { PackedWeights } from "./packed-weights.ts";

/** Logits that are in memory at once, unless one row has more: 64 MiB. */
const LOGITS_AT_ONCE = 1 << 24;
const ROW_GRAIN = 24;

/** Rows whose logits are computed together. */
export function headRows(vocabulary: number): number {
  return Math.max(1, Math.floor(LOGITS_AT_ONCE / vocabulary));
}

/**
 * Weighted next-token cross-entropy of the output head, in nats: sum over rows of weights[row] * -log p(targets[row]). The
 * gradients of `hidden` and of the head are computed on the way, some rows at a time, so that the logits of a whole batch
 * never stand in memory together; each sum goes on where the rows before have left it, so the bits are those of one piece.
 */
export function headLoss(
  graph: Graph,
  hidden: Tensor,
  head: { weight: Parameter; packed: PackedWeights; targets: number; weights: number },
): number {
  const { weight, packed } = head;
  const step = headRows(weight.rows);
  const dHidden = graph.freshGradient(hidden);
  const losses = graph.arena.allocate(hidden.rows * 4);
  const logits = graph.arena.allocate(Math.min(step, hidden.rows) * weight.rows * 4);
  let sum = 0;
  for (let first = 0; first < hidden.rows; first += step) {
    const rows = Math.min(step, hidden.rows - first);
    const at = first * hidden.columns * 4;
    const x = { pointer: hidden.pointer + at, rows, columns: hidden.columns };
    packed.withTransposed(graph, weight, (panels) =>
      multiply(graph, { a: x.pointer, rows, k: hidden.columns, n: weight.rows, panels, c: logits }),
    );
    const tables = [head.targets + first * 4, head.weights + first * 4, losses + first * 4] as const;
    graph.backend.run("crossEntropy", rows, ROW_GRAIN, logits, ...tables, weight.rows, weight.rows);
    if (weight.gradient !== 0) addWeightGradient(graph, { x, dy: logits, weight });
    packed.withPlain(graph, weight, (panels) =>
      multiply(graph, { a: logits, rows, k: weight.rows, n: hidden.columns, panels, c: dHidden + at }),
    );
  }
  for (let row = 0; row < hidden.rows; row++) sum += graph.f32[(losses >>> 2) + row] ?? 0;
  return sum;
}

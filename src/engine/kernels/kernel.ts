/**
 * @file The engine's kernels: names and argument lists, the one contract that every backend implements.
 *
 * A kernel works on one linear memory. `Ptr` arguments are byte offsets into it, 16-byte aligned; floats are f32,
 * indices i32, both little-endian. Every kernel ends in `(from, to)`, the half-open range of work items that this call
 * computes, so a pool can hand ranges to threads. An item's result never depends on the range it was part of, and no
 * sum is ever split between items: results are byte-equal for any number of threads. Letters: C channels, D head
 * size, V vocabulary, M x K times K x N.
 */

/** Columns in one packed panel of a right-hand matrix; see `packPanels`. */
export const PANEL_COLUMNS = 8;

/** Floats summed into one partial by `sumOfSquares`. */
export const SQUARE_CHUNK = 4096;

type Ptr = number;

/** Signatures of all kernels. Range arguments come last. */
export interface Kernels {
  /**
   * Packs B (K x N, element (k, n) at `b + 4*(k*kStride + n*nStride)`) into panels of 8 columns: panel p holds
   * columns 8p..8p+7 as K rows of 8 floats, zeros past N. Items: panels, ceil(N / 8).
   */
  packPanels(b: Ptr, k: number, n: number, kStride: number, nStride: number, out: Ptr, from: number, to: number): void;
  /**
   * C = A B + bias, or C += A B when `isAccumulating` (1). A's element (m, k) is at `a + 4*(m*rowStride + k*kStride)`;
   * B is packed by `packPanels`; C is row-major with row length N; bias (N floats) may be 0 for none and is ignored when
   * accumulating. Sums run over k in ascending order into one accumulator. Items: rows of C.
   */
  matmul(
    a: Ptr,
    rowStride: number,
    kStride: number,
    panels: Ptr,
    bias: Ptr,
    c: Ptr,
    k: number,
    n: number,
    isAccumulating: number,
    from: number,
    to: number,
  ): void;
  /** `packPanels` of a matrix of bf16 (two bytes an element) into panels of bf16. Items: panels. */
  packPanelsBf16(
    b: Ptr,
    k: number,
    n: number,
    kStride: number,
    nStride: number,
    out: Ptr,
    from: number,
    to: number,
  ): void;
  /** `matmul` with panels of bf16, widened as they are read: the bits of `matmul` on the same values. Items: rows of C. */
  matmulBf16(
    a: Ptr,
    rowStride: number,
    kStride: number,
    panels: Ptr,
    bias: Ptr,
    c: Ptr,
    k: number,
    n: number,
    isAccumulating: number,
    from: number,
    to: number,
  ): void;
  /** y = x * rstd * weight, rstd = 1/sqrt(mean(x^2) + epsilon) per row, saved for the backward pass. Items: rows. */
  rmsNormForward(
    x: Ptr,
    weight: Ptr,
    y: Ptr,
    rstd: Ptr,
    channels: number,
    epsilon: number,
    from: number,
    to: number,
  ): void;
  /** dx += d(rmsNorm)/dx dy. Items: rows. */
  rmsNormBackward(x: Ptr, weight: Ptr, rstd: Ptr, dy: Ptr, dx: Ptr, channels: number, from: number, to: number): void;
  /** dweight[c] += sum over rows of dy x rstd. Items: channels. */
  rmsNormWeightGrad(
    x: Ptr,
    rstd: Ptr,
    dy: Ptr,
    dweight: Ptr,
    rows: number,
    channels: number,
    from: number,
    to: number,
  ): void;
  /**
   * Root-mean-square normalisation of each of the first `heads` heads of each row, in place, with one weight (D) for all
   * (Qwen3's queries, or keys). The rows as they were go to `saved` (rows x heads x D; 0: nowhere), 1/rms to `rstd` (rows x
   * heads; 0: nowhere). Items: rows.
   */
  headNormForward(
    x: Ptr,
    weight: Ptr,
    saved: Ptr,
    rstd: Ptr,
    heads: number,
    headSize: number,
    rowStride: number,
    epsilon: number,
    from: number,
    to: number,
  ): void;
  /** Turns the gradient of the normalised heads at `gradient` (stride as x) into that of the saved ones, in place. Items: rows. */
  headNormBackward(
    saved: Ptr,
    weight: Ptr,
    rstd: Ptr,
    gradient: Ptr,
    heads: number,
    headSize: number,
    rowStride: number,
    from: number,
    to: number,
  ): void;
  /** dweight[c] += sum over rows, then heads, of gradient x saved x rstd; before `headNormBackward`. Items: the D channels. */
  headNormWeightGrad(
    saved: Ptr,
    rstd: Ptr,
    gradient: Ptr,
    dweight: Ptr,
    rows: number,
    heads: number,
    headSize: number,
    rowStride: number,
    from: number,
    to: number,
  ): void;
  /** out[c] += sum over rows of x[row, c] (a bias gradient). Items: channels. */
  columnSums(x: Ptr, out: Ptr, rows: number, channels: number, from: number, to: number): void;
  /**
   * Rotates the first `heads` heads of each row in place (half-split pairs (i, i + D/2), as Qwen2 and Llama in
   * transformers). `table` holds, per position, D/2 cosines then D/2 sines; `direction` is 1, or -1 for the backward
   * pass. Items: rows.
   */
  rope(
    x: Ptr,
    positions: Ptr,
    table: Ptr,
    heads: number,
    headSize: number,
    rowStride: number,
    direction: number,
    from: number,
    to: number,
  ): void;
  /**
   * Causal attention with grouped queries over ragged segments. `segments` holds i32 quadruples (queryStart, queryLength,
   * keyStart, keyLength) in rows; query i of a segment sees keys 0 .. keyLength - queryLength + i. Strides are in floats
   * per row. Scores are scaled by 1/sqrt(D); `lse` (rows x heads) receives log-sum-exp and may be 0. The result for a
   * query does not depend on how many queries its segment holds. Items: segments x heads, head fastest.
   */
  attentionForward(
    q: Ptr,
    qStride: number,
    k: Ptr,
    v: Ptr,
    kvStride: number,
    out: Ptr,
    outStride: number,
    lse: Ptr,
    segments: Ptr,
    heads: number,
    kvHeads: number,
    headSize: number,
    from: number,
    to: number,
  ): void;
  /**
   * Writes dq, dk, dv (strides as q and kv) for segments with queryStart = keyStart and queryLength = keyLength.
   * Items: segments x kvHeads, kv head fastest; one item sums over its group of query heads in ascending order.
   */
  attentionBackward(
    q: Ptr,
    qStride: number,
    k: Ptr,
    v: Ptr,
    kvStride: number,
    out: Ptr,
    dout: Ptr,
    outStride: number,
    lse: Ptr,
    dq: Ptr,
    dk: Ptr,
    dv: Ptr,
    segments: Ptr,
    heads: number,
    kvHeads: number,
    headSize: number,
    from: number,
    to: number,
  ): void;
  /** out = silu(gate) * up for rows [gate (hidden), up (hidden)]. Items: rows. */
  swigluForward(gateUp: Ptr, out: Ptr, hidden: number, from: number, to: number): void;
  /** Writes dGateUp. Items: rows. */
  swigluBackward(gateUp: Ptr, dout: Ptr, dGateUp: Ptr, hidden: number, from: number, to: number): void;
  /** out[row] = table[ids[row]]. Items: rows. */
  embeddingForward(ids: Ptr, table: Ptr, out: Ptr, channels: number, from: number, to: number): void;
  /** `embeddingForward` from a table of bf16. Items: rows. */
  embeddingForwardBf16(ids: Ptr, table: Ptr, out: Ptr, channels: number, from: number, to: number): void;
  /** dtable[ids[row], c] += dout[row, c], rows ascending. Items: channels. */
  embeddingBackward(ids: Ptr, dout: Ptr, dtable: Ptr, rows: number, channels: number, from: number, to: number): void;
  /**
   * losses[row] = weights[row] * (logsumexp(logits[row]) - logits[row, targets[row]]) over the first V of `stride`
   * columns; logits become d(loss)/d(logits), zero past V and in rows of weight 0. Items: rows.
   */
  crossEntropy(
    logits: Ptr,
    targets: Ptr,
    weights: Ptr,
    losses: Ptr,
    vocabulary: number,
    stride: number,
    from: number,
    to: number,
  ): void;
  /** destination += source. Items: elements. */
  add(source: Ptr, destination: Ptr, from: number, to: number): void;
  /** x *= factor. Items: elements. */
  scale(x: Ptr, factor: number, from: number, to: number): void;
  /**
   * Writes rows [keys (kvHeads x D), values (kvHeads x D)] into the cache at (slots[row], positions[row]). A slot's kv head
   * owns 2 x capacity x D floats at index slot x kvHeads + head: keys in panels of 8 (element (position, d) at
   * floor(position / 8) x 8D + 8d + position mod 8), then values row by row. `capacity` is a multiple of 8. Items: rows.
   */
  appendKeyValues(
    source: Ptr,
    sourceStride: number,
    cache: Ptr,
    capacity: number,
    slots: Ptr,
    positions: Ptr,
    kvHeads: number,
    headSize: number,
    from: number,
    to: number,
  ): void;
  /**
   * `attentionForward` over that cache: `segments` holds (queryStart, queryLength, slot, keyLength). The same bits for a
   * query as there, and for one query or many. Items: segments x kvHeads, kv head fastest.
   */
  cachedAttention(
    q: Ptr,
    qStride: number,
    cache: Ptr,
    capacity: number,
    out: Ptr,
    outStride: number,
    segments: Ptr,
    heads: number,
    kvHeads: number,
    headSize: number,
    from: number,
    to: number,
  ): void;
  /** partials[chunk] = sum of x^2 over elements [4096 chunk, min(n, 4096 (chunk + 1))). Items: chunks. */
  sumOfSquares(x: Ptr, n: number, partials: Ptr, from: number, to: number): void;
  /**
   * AdamW with decoupled weight decay (Loshchilov & Hutter 2019; torch.optim.AdamW order: decay, moments, step), the
   * gradient first multiplied by `gradientScale`. Items: elements.
   */
  adamw(
    parameter: Ptr,
    gradient: Ptr,
    m: Ptr,
    v: Ptr,
    learningRate: number,
    beta1: number,
    beta2: number,
    epsilon: number,
    weightDecay: number,
    correction1: number,
    correction2: number,
    gradientScale: number,
    from: number,
    to: number,
  ): void;
}

/** The name of a kernel. */
export type KernelName = keyof Kernels;

/** Every kernel in a fixed order: a kernel's index is its id between threads. */
export const KERNEL_NAMES: readonly KernelName[] = [
  "packPanels",
  "matmul",
  "rmsNormForward",
  "rmsNormBackward",
  "rmsNormWeightGrad",
  "columnSums",
  "rope",
  "attentionForward",
  "attentionBackward",
  "swigluForward",
  "swigluBackward",
  "embeddingForward",
  "embeddingBackward",
  "crossEntropy",
  "add",
  "appendKeyValues",
  "cachedAttention",
  "sumOfSquares",
  "adamw",
  "headNormForward",
  "headNormBackward",
  "headNormWeightGrad",
  "packPanelsBf16",
  "matmulBf16",
  "embeddingForwardBf16",
  "scale",
];

/** Floats in the panels of a K x N matrix. */
export function panelFloats(k: number, n: number): number {
  return k * Math.ceil(n / PANEL_COLUMNS) * PANEL_COLUMNS;
}

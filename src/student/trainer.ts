import { invariant } from "../core/errors.ts";
import { stepAdamW, type AdamWStep } from "../engine/adamw.ts";
import { Arena } from "../engine/arena.ts";
import type { Backend } from "../engine/backend.ts";
import { Graph } from "../engine/graph.ts";
import { SQUARE_CHUNK } from "../engine/kernels/kernel.ts";
import { crossEntropy, selfAttention, type RaggedRows } from "../engine/operations.ts";
import { PackedWeights } from "../engine/packed-weights.ts";
import type { StudentConfig } from "./checkpoint/student-config.ts";
import type { NamedTensors } from "./checkpoint/safetensors.ts";
import { headShape, hiddenStates, logitsOf, ropeTable } from "./forward.ts";
import { allocateParameters, exportTensors, importTensors, type StudentParameters } from "./parameters.ts";

/** One sequence: ids and, per position, the id to learn there or -100 (labels[i] belongs to inputIds[i], as in transformers). */
export interface TrainSequence {
  readonly inputIds: ArrayLike<number>;
  readonly labels: ArrayLike<number>;
}

/** What a training step needs beside the batch. */
export interface TrainStepOptions extends AdamWStep {
  /** token: mean over all trained tokens of the batch. example: mean of per-sequence means (s1 on one sequence a GPU). */
  readonly lossReduction: "token" | "example";
}

/** A step's outcome. */
export interface TrainStepResult {
  readonly loss: number;
  readonly gradientNorm: number;
  readonly tokens: number;
}

/** Rows that go through the model together, unless one sequence is longer; see docs/performance.md. */
const MICRO_ROWS = 1024;

/** Both Adam moments, for an exact resume. */
export interface OptimizerState {
  readonly firstMoments: readonly Float32Array[];
  readonly secondMoments: readonly Float32Array[];
}

/** A Qwen2 student being trained on one backend. Full fine-tune, f32, gradients of whole batches in one pass. */
export class Trainer {
  readonly config: StudentConfig;
  readonly #backend: Backend;
  readonly #parameters: StudentParameters;
  readonly #packed: PackedWeights;
  readonly #stepArena: Arena;
  readonly #f32: Float32Array;
  readonly #ropeTable: number;
  readonly #squares: number;

  /** Takes memory on `backend`: a quarter for parameters, moments and packed weights, the rest for a step's tensors. */
  constructor(backend: Backend, config: StudentConfig, tensors: NamedTensors) {
    this.#backend = backend;
    this.config = config;
    this.#f32 = new Float32Array(backend.buffer, 0, Math.floor(backend.buffer.byteLength / 4));
    const boundary = backend.heapBase + Math.floor((backend.buffer.byteLength - backend.heapBase) / 4);
    const persistent = new Arena(backend.heapBase, boundary);
    this.#parameters = allocateParameters({ config, arena: persistent, f32: this.#f32, isTrained: true });
    importTensors({ config, parameters: this.#parameters, f32: this.#f32, tensors });
    const table = ropeTable(config, config.maxPositions);
    this.#ropeTable = persistent.allocate(table.byteLength);
    this.#f32.set(table, this.#ropeTable >> 2);
    const chunks = Math.ceil(Math.max(...this.#parameters.groups.map((group) => group.elements)) / SQUARE_CHUNK);
    this.#squares = persistent.allocate(chunks * 4);
    this.#packed = new PackedWeights(persistent);
    this.#stepArena = new Arena(boundary, backend.buffer.byteLength);
  }

  /** Forward, backward, clip, AdamW. The weights are unchanged when a batch does not fit (`limit-exceeded`). */
  step(batch: readonly TrainSequence[], options: TrainStepOptions): TrainStepResult {
    const { loss, tokens } = this.accumulate(batch, options.lossReduction);
    const gradientNorm = stepAdamW(this.#backend, this.#parameters.groups, { ...options, scratch: this.#squares });
    this.#packed.invalidate();
    return { loss, gradientNorm, tokens };
  }

  /** Adds the batch's gradients to the parameters' and returns its loss; `step` does this first. */
  accumulate(
    batch: readonly TrainSequence[],
    reduction: TrainStepOptions["lossReduction"],
  ): { loss: number; tokens: number } {
    let loss = 0;
    let tokens = 0;
    for (const rows of microBatches(batch, reduction)) {
      if (rows.trained.length > 0) loss += this.#accumulateRows(rows);
      tokens += rows.ids.length;
    }
    return { loss, tokens };
  }

  #accumulateRows(rows: RaggedBatch): number {
    const mark = this.#stepArena.mark();
    try {
      const graph = new Graph(this.#backend, this.#stepArena, { isRecording: true });
      const ragged: RaggedRows = {
        positions: graph.indices(rows.positions),
        ropeTable: this.#ropeTable,
        segments: graph.indices(rows.segments),
        segmentCount: rows.segments.length / 4,
      };
      const model = { config: this.config, parameters: this.#parameters, packed: this.#packed };
      const shape = headShape(this.config);
      const attend = (qkv: Parameters<typeof selfAttention>[1]): ReturnType<typeof selfAttention> =>
        selfAttention(graph, qkv, { rows: ragged, shape });
      const hidden = hiddenStates(graph, model, {
        ids: graph.indices(rows.ids),
        rows: rows.ids.length,
        ragged,
        attend,
        wanted: { indices: graph.indices(rows.trained), count: rows.trained.length },
      });
      const logits = logitsOf(graph, model, hidden);
      const loss = crossEntropy(graph, logits, {
        targets: graph.indices(rows.targets),
        weights: graph.floats(rows.weights),
        vocabulary: this.config.vocabularySize,
      });
      graph.backward();
      return loss;
    } finally {
      this.#stepArena.release(mark);
    }
  }

  /** The current weights as Hugging Face tensors. */
  exportTensors(): NamedTensors {
    return exportTensors({ config: this.config, parameters: this.#parameters, f32: this.#f32 });
  }

  /** The gradients accumulated so far under the weights' names; for parity tests. */
  exportGradients(): NamedTensors {
    const shift = (pointer: number, gradient: number): number => gradient || pointer;
    const swap = <T extends { pointer: number; gradient: number }>(parameter: T): T => ({
      ...parameter,
      pointer: shift(parameter.pointer, parameter.gradient),
    });
    const { layers, embedding, finalNorm, head, groups } = this.#parameters;
    const gradients: StudentParameters = {
      embedding: swap(embedding),
      finalNorm: swap(finalNorm),
      head: swap(head),
      groups,
      layers: layers.map(
        (layer) =>
          Object.fromEntries(
            Object.entries(layer).map(([key, value]) => [key, swap(value)]),
          ) as unknown as (typeof layers)[number],
      ),
    };
    return exportTensors({ config: this.config, parameters: gradients, f32: this.#f32 });
  }

  /** Copies of both moments. */
  exportOptimizer(): OptimizerState {
    const copy = (pointer: number, elements: number): Float32Array =>
      this.#f32.slice(pointer >> 2, (pointer >> 2) + elements);
    const { groups } = this.#parameters;
    return {
      firstMoments: groups.map((group) => copy(group.firstMoment, group.elements)),
      secondMoments: groups.map((group) => copy(group.secondMoment, group.elements)),
    };
  }

  /** Restores moments saved by {@link exportOptimizer}. */
  importOptimizer(state: OptimizerState): void {
    this.#parameters.groups.forEach((group, index) => {
      const first = state.firstMoments[index];
      const second = state.secondMoments[index];
      invariant(
        first?.length === group.elements && second?.length === group.elements,
        "optimizer state of another model",
      );
      this.#f32.set(first, group.firstMoment >> 2);
      this.#f32.set(second, group.secondMoment >> 2);
    });
  }
}

/** Some sequences of a batch as flat rows: the last token of a sequence predicts nothing and is left out. */
interface RaggedBatch {
  readonly ids: number[];
  /** Numbers of the rows that learn something, and what and how much of it. */
  readonly trained: number[];
  readonly targets: number[];
  readonly weights: number[];
  readonly positions: number[];
  readonly segments: number[];
}

/**
 * The batch in parts of whole sequences, about MICRO_ROWS rows each, whose gradients add up to the batch's. Sequences keep
 * their order, and so do the sums over rows: a part continues each sum where the one before has left it.
 */
function microBatches(batch: readonly TrainSequence[], reduction: "token" | "example"): RaggedBatch[] {
  const trained = batch.map(
    ({ labels }) =>
      Array.from(labels)
        .slice(1)
        .filter((label) => label >= 0).length,
  );
  const total = trained.reduce((sum, n) => sum + n, 0);
  invariant(total > 0, "a batch without trained tokens");
  const parts: RaggedBatch[] = [];
  let part: RaggedBatch | undefined;
  batch.forEach((sequence, index) => {
    const weight = reduction === "token" ? 1 / total : 1 / (batch.length * Math.max(1, trained[index] ?? 0));
    if (part === undefined || part.ids.length + sequence.inputIds.length - 1 > MICRO_ROWS) {
      part = { ids: [], trained: [], targets: [], weights: [], positions: [], segments: [] };
      parts.push(part);
    }
    appendSequence(part, sequence, weight);
  });
  return parts;
}

function appendSequence(part: RaggedBatch, { inputIds, labels }: TrainSequence, weight: number): void {
  const length = inputIds.length - 1;
  part.segments.push(part.ids.length, length, part.ids.length, length);
  for (let i = 0; i < length; i++) {
    const label = labels[i + 1] ?? -100;
    if (label >= 0) {
      part.trained.push(part.ids.length);
      part.targets.push(label);
      part.weights.push(weight);
    }
    part.ids.push(inputIds[i] ?? 0);
    part.positions.push(i);
  }
}

import { AppError, invariant } from "../core/errors.ts";
import { type Adapter, clearBetweenParts } from "../engine/adapter.ts";
import { stepAdamW, type AdamWStep, type ParameterGroup } from "../engine/adamw.ts";
import { Arena } from "../engine/arena.ts";
import type { Backend } from "../engine/backend.ts";
import { Graph, type Parameter } from "../engine/graph.ts";
import { headLoss } from "../engine/head-loss.ts";
import { SQUARE_CHUNK } from "../engine/kernels/kernel.ts";
import { selfAttention, type RaggedRows } from "../engine/operations.ts";
import { PackedWeights } from "../engine/packed-weights.ts";
import type { NamedTensors, StoredTensors } from "./checkpoint/safetensors.ts";
import type { StudentConfig } from "./checkpoint/student-config.ts";
import { headShape, hiddenStates } from "./forward.ts";
import { adapterShapes, assembleAdapters, exportAdapter, importAdapter, type LoraSettings } from "./lora.ts";
import {
  allocateBase,
  allocateTrained,
  assembleParameters,
  exportTensors,
  importTensors,
  isStoredAsBf16,
  type ParameterMap,
  type StudentParameters,
} from "./parameter-memory.ts";
import { parameterShapes } from "./parameters.ts";
import { ropeTable } from "./rotary.ts";
import { MICRO_ROWS, packedShapes } from "./train-memory.ts";

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

/** Both Adam moments, for an exact resume. */
export interface OptimizerState {
  readonly firstMoments: readonly Float32Array[];
  readonly secondMoments: readonly Float32Array[];
}

/** What is trained, and how much room a step gets. */
export interface TrainerOptions {
  /** Train adapters alone, from these tensors (see {@link initialAdapter}); the model's own weights stay as they are. */
  readonly lora?: LoraSettings & { readonly adapter: NamedTensors };
  /** Longest sequence that will come; the config's context unless told. */
  readonly longestTokens?: number;
  /** Rows that go through the model together, unless one sequence is longer; {@link MICRO_ROWS} unless told. */
  readonly microRows?: number;
}

/** A student being trained on one backend: all of it in f32, or adapters on a base that stays, in f32 or bf16. */
export class Trainer {
  readonly config: StudentConfig;
  readonly #backend: Backend;
  readonly #parameters: StudentParameters;
  /** What is trained. */
  readonly #trained: ParameterMap;
  readonly #groups: readonly ParameterGroup[];
  readonly #adapters: ReadonlyMap<string, Adapter> | undefined;
  readonly #packed: PackedWeights;
  readonly #stepArena: Arena;
  readonly #f32: Float32Array;
  readonly #ropeTable: number;
  readonly #squares: number;
  readonly #longestTokens: number;
  readonly #microRows: number;

  /** Takes memory on `backend` for parameters, moments and packed weights; the rest is for a step's tensors. */
  constructor(
    backend: Backend,
    { config, tensors }: { readonly config: StudentConfig; readonly tensors: StoredTensors },
    options: TrainerOptions = {},
  ) {
    this.#backend = backend;
    this.config = config;
    this.#longestTokens = Math.min(options.longestTokens ?? config.maxPositions, config.maxPositions);
    this.#microRows = options.microRows ?? MICRO_ROWS;
    const { buffer } = backend;
    this.#f32 = new Float32Array(buffer, 0, Math.floor(buffer.byteLength / 4));
    const persistent = new Arena(backend.heapBase, buffer.byteLength);
    const place = { arena: persistent, f32: this.#f32 };
    const { lora } = options;
    const shapes = lora ? adapterShapes(config, lora) : parameterShapes(config);
    const base = lora ? allocateBase(config, persistent, isStoredAsBf16(config, tensors)) : undefined;
    const { parameters, groups } = allocateTrained(shapes, place);
    this.#trained = parameters;
    this.#groups = groups;
    importTensors({ config, parameters: base ?? parameters, buffer, tensors });
    if (lora) importAdapter(config, parameters, { f32: this.#f32, adapter: lora.adapter });
    this.#parameters = assembleParameters(config, base ?? parameters);
    this.#adapters = lora && assembleAdapters(config, parameters, lora);
    const table = ropeTable(config, this.#longestTokens);
    this.#ropeTable = persistent.allocate(table.byteLength);
    this.#f32.set(table, this.#ropeTable >>> 2);
    const chunks = Math.ceil(Math.max(...groups.map((group) => group.elements)) / SQUARE_CHUNK);
    this.#squares = persistent.allocate(chunks * 4);
    this.#packed = new PackedWeights(persistent);
    for (const { name } of packedShapes(config, shapes)) this.#packed.reserve(parameters.get(name) as Parameter);
    this.#stepArena = new Arena(persistent.mark(), buffer.byteLength);
  }

  /** Forward, backward, clip, AdamW. The weights are unchanged when a batch does not fit (`limit-exceeded`). */
  step(batch: readonly TrainSequence[], options: TrainStepOptions): TrainStepResult {
    const { loss, tokens } = this.accumulate(batch, options.lossReduction);
    const gradientNorm = stepAdamW(this.#backend, this.#groups, { ...options, scratch: this.#squares });
    this.#packed.invalidate();
    return { loss, gradientNorm, tokens };
  }

  /** Adds the batch's gradients to the parameters' and returns its loss; `step` does this first. */
  accumulate(
    batch: readonly TrainSequence[],
    reduction: TrainStepOptions["lossReduction"],
  ): { loss: number; tokens: number } {
    checkLengths(batch, this.#longestTokens);
    let loss = 0;
    let tokens = 0;
    for (const rows of microBatches(batch, reduction, this.#microRows)) {
      if (rows.trained.length > 0) loss += this.#accumulateRows(rows);
      tokens += rows.ids.length;
    }
    for (const adapter of this.#adapters?.values() ?? []) clearBetweenParts(this.#f32, adapter);
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
      const [parameters, packed] = [this.#parameters, this.#packed];
      const model = { config: this.config, parameters, packed, adapters: this.#adapters };
      const shape = headShape(this.config);
      const hidden = hiddenStates(graph, model, {
        ids: graph.indices(rows.ids),
        rows: rows.ids.length,
        ragged,
        attend: (qkv) => selfAttention(graph, qkv, { rows: ragged, shape }),
        wanted: { indices: graph.indices(rows.trained), count: rows.trained.length },
      });
      const targets = graph.indices(rows.targets);
      const weights = graph.floats(rows.weights);
      const loss = headLoss(graph, hidden, { weight: parameters.head, packed, targets, weights });
      graph.backward();
      return loss;
    } finally {
      this.#stepArena.release(mark);
    }
  }

  /** Copies of what is trained: the weights as Hugging Face's tensors, or the adapters as peft's. */
  exportTensors(): NamedTensors {
    return this.#export("pointer");
  }

  /** The gradients accumulated so far under the same names; for parity tests. */
  exportGradients(): NamedTensors {
    return this.#export("gradient");
  }

  #export(what: "pointer" | "gradient"): NamedTensors {
    const exported = this.#adapters ? exportAdapter : exportTensors;
    return exported(this.config, this.#trained, { f32: this.#f32, what });
  }

  /** Highest position that a step has reached in memory, bytes; for the test of {@link trainMemoryBytes}. */
  get peakBytes(): number {
    return this.#stepArena.peakBytes;
  }

  /** Copies of both moments. */
  exportOptimizer(): OptimizerState {
    const copy = (pointer: number, elements: number): Float32Array =>
      this.#f32.slice(pointer >>> 2, (pointer >>> 2) + elements);
    return {
      firstMoments: this.#groups.map((group) => copy(group.firstMoment, group.elements)),
      secondMoments: this.#groups.map((group) => copy(group.secondMoment, group.elements)),
    };
  }

  /** Restores moments saved by {@link exportOptimizer}. */
  importOptimizer(state: OptimizerState): void {
    this.#groups.forEach((group, index) => {
      const first = state.firstMoments[index];
      const second = state.secondMoments[index];
      invariant(
        first?.length === group.elements && second?.length === group.elements,
        "optimizer state of another model",
      );
      this.#f32.set(first, group.firstMoment >>> 2);
      this.#f32.set(second, group.secondMoment >>> 2);
    });
  }
}

function checkLengths(batch: readonly TrainSequence[], longestTokens: number): void {
  const longest = batch.reduce((most, { inputIds }) => Math.max(most, inputIds.length), 0);
  if (longest > longestTokens)
    throw new AppError("limit-exceeded", `a sequence of ${longest} tokens exceeds the ${longestTokens} prepared for`, {
      hint: "select shorter examples, or use a base with a longer context",
      data: { tokens: longest, longestTokens },
    });
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
 * The batch in parts of whole sequences, about `microRows` rows each, whose gradients add up to the batch's. Sequences keep
 * their order, and so do the sums over rows: a part continues each sum where the one before has left it.
 */
function microBatches(
  batch: readonly TrainSequence[],
  reduction: "token" | "example",
  microRows: number,
): RaggedBatch[] {
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
    if (part === undefined || part.ids.length + sequence.inputIds.length - 1 > microRows) {
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

import { invariant } from "../../core/errors.ts";
import { extendScoredSession, extendSession } from "../../decode/extend-session.ts";
import type { ExtendRow, ScoredTokens } from "../../decode/token-source.ts";
import type { Backend } from "../../engine/backend.ts";
import type { StudentConfig } from "../../student/checkpoint/student-config.ts";
import type { NamedTensors, StoredTensors } from "../../student/checkpoint/safetensors.ts";
import { checkEmbedded, fitDecoding, fitTraining } from "../../student/embedded-memory.ts";
import { areMatricesBf16 } from "../../student/parameter-memory.ts";
import { DecodeSession, type SlotExtension } from "../../student/decode-session.ts";
import {
  Trainer,
  type OptimizerState,
  type TrainerOptions,
  type TrainSequence,
  type TrainStepOptions,
  type TrainStepResult,
} from "../../student/trainer.ts";

/** A student's weights and shape. */
export interface StudentModel {
  readonly config: StudentConfig;
  readonly tensors: StoredTensors;
}

/** What the engine computes with; recorded in manifests because results are byte-equal within one kernel build only. */
export interface EngineInfo {
  readonly kernelBuild: Backend["kernelBuild"];
  readonly threads: number;
  readonly notes: readonly string[];
}

/**
 * Everything an engine can be asked, on the thread that owns the backend. It holds one trainer or one decoder at a time,
 * on the whole of the backend's memory: loading one drops the other.
 */
export class EngineSession {
  readonly #backend: Backend;
  readonly #notes: readonly string[];
  #trainer: Trainer | undefined;
  #decoder: DecodeSession | undefined;
  #choosableIds = 0;

  constructor(backend: Backend, notes: readonly string[]) {
    this.#backend = backend;
    this.#notes = notes;
  }

  describe(): EngineInfo {
    return { kernelBuild: this.#backend.kernelBuild, threads: this.#backend.threads, notes: this.#notes };
  }

  /** Throws `limit-exceeded`, with the size, where WebAssembly's memory cannot hold the training. */
  loadTrainer(model: StudentModel, optimizer?: OptimizerState, options: Omit<TrainerOptions, "microRows"> = {}): void {
    this.#decoder = undefined;
    this.#trainer = undefined;
    const { config, tensors } = model;
    const longestTokens = options.longestTokens ?? config.maxPositions;
    const size = { lora: options.lora, isBf16: areMatricesBf16(config, tensors), longestTokens };
    const { microRows, bytes } = fitTraining(config, size, this.#backend.heapBase);
    checkEmbedded("training", bytes);
    this.#backend.reserve?.(bytes);
    this.#trainer = new Trainer(this.#backend, model, { ...options, longestTokens, microRows });
    if (optimizer) this.#trainer.importOptimizer(optimizer);
  }

  trainStep(batch: readonly TrainSequence[], options: TrainStepOptions): TrainStepResult {
    return this.#trained().step(batch, options);
  }

  exportTrainer(): { tensors: NamedTensors; optimizer: OptimizerState } {
    return { tensors: this.#trained().exportTensors(), optimizer: this.#trained().exportOptimizer() };
  }

  /**
   * `choosableIds`: how many ids the tokenizer has; rows of the vocabulary past it are padding and never chosen. Gives as
   * many of the slots as fit, and throws `limit-exceeded`, with the size, where not even one does.
   */
  loadDecoder(
    model: StudentModel,
    size: { slots: number; contextTokens: number; choosableIds: number },
  ): { slots: number; contextTokens: number } {
    this.#trainer = undefined;
    this.#decoder = undefined;
    const { config, tensors } = model;
    this.#choosableIds = Math.min(size.choosableIds, config.vocabularySize);
    const contextTokens = Math.min(size.contextTokens, config.maxPositions);
    const wanted = { slots: size.slots, contextTokens, isBf16: areMatricesBf16(config, tensors) };
    const { slots, bytes } = fitDecoding(config, wanted, this.#backend.heapBase);
    checkEmbedded("decoding", bytes);
    this.#backend.reserve?.(bytes);
    this.#decoder = new DecodeSession(this.#backend, model, { slots, contextTokens });
    return { slots: this.#decoder.slots, contextTokens: this.#decoder.contextTokens };
  }

  /** Appends each row's ids and chooses its next token, by the contract of `TokenSource.extend`. */
  extend(rows: readonly ExtendRow[]): Int32Array {
    return extendSession(this.#decoding(), rows, this.#choosableIds);
  }

  /** As `extend`, with the scores of rows that ask for them. */
  extendScored(rows: readonly ExtendRow[]): ScoredTokens {
    return extendScoredSession(this.#decoding(), rows, this.#choosableIds);
  }

  /** Logits after each row's last id, as copies; for parity tests and inspection. */
  logits(rows: readonly SlotExtension[]): Float32Array[] {
    return this.#decoding()
      .extend(rows)
      .map((row) => row.slice());
  }

  truncate(slot: number, length: number): void {
    this.#decoding().truncate(slot, length);
  }

  /** Makes a slot hold the first `length` ids of another. */
  copySlot(from: number, to: number, length: number): void {
    this.#decoding().copy(from, to, length);
  }

  #trained(): Trainer {
    invariant(this.#trainer, "no trainer loaded");
    return this.#trainer;
  }

  #decoding(): DecodeSession {
    invariant(this.#decoder, "no decoder loaded");
    return this.#decoder;
  }
}

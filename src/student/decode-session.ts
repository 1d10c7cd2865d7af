import { AppError, invariant } from "../core/errors.ts";
import { Arena } from "../engine/arena.ts";
import type { Backend } from "../engine/backend.ts";
import { Graph, type Tensor } from "../engine/graph.ts";
import type { PackedWeights } from "../engine/packed-weights.ts";
import type { StoredTensors } from "./checkpoint/safetensors.ts";
import type { StudentConfig } from "./checkpoint/student-config.ts";
import { hiddenStates, logitsOf } from "./forward.ts";
import { MAX_ROWS } from "./decode-memory.ts";
import { loadForDecoding } from "./load-for-decoding.ts";
import type { StudentParameters } from "./parameter-memory.ts";
import { ropeTable } from "./rotary.ts";

/** Ids to append to one slot's sequence. */
export interface SlotExtension {
  readonly slot: number;
  readonly ids: readonly number[];
}

/**
 * A student with a key-value cache for `slots` independent sequences. What a slot computes does not depend on the other
 * slots of a call, nor on how its ids were split over calls: byte-equal, by the kernels' contract.
 */
export class DecodeSession {
  readonly config: StudentConfig;
  readonly slots: number;
  readonly contextTokens: number;
  readonly #backend: Backend;
  readonly #parameters: StudentParameters;
  readonly #packed: PackedWeights;
  readonly #stepArena: Arena;
  readonly #f32: Float32Array;
  readonly #ropeTable: number;
  readonly #caches: readonly number[];
  readonly #lengths: number[];

  constructor(
    backend: Backend,
    model: { config: StudentConfig; tensors: StoredTensors },
    size: { slots: number; contextTokens: number },
  ) {
    const { config } = model;
    this.#backend = backend;
    this.config = config;
    this.slots = size.slots;
    this.contextTokens = Math.min(size.contextTokens, config.maxPositions);
    this.#f32 = new Float32Array(backend.buffer, 0, Math.floor(backend.buffer.byteLength / 4));
    const loaded = loadForDecoding(backend, model);
    this.#parameters = loaded.parameters;
    this.#packed = loaded.packed;
    const persistent = new Arena(loaded.end, backend.buffer.byteLength);
    const table = ropeTable(config, this.contextTokens);
    this.#ropeTable = persistent.allocate(table.byteLength);
    this.#f32.set(table, this.#ropeTable >>> 2);
    const cacheBytes = this.slots * this.#capacity * 2 * config.kvHeads * config.headSize * 4;
    this.#caches = this.#parameters.layers.map(() => persistent.allocate(cacheBytes));
    this.#stepArena = new Arena(persistent.mark(), backend.buffer.byteLength);
    this.#lengths = new Array<number>(this.slots).fill(0);
  }

  /** Positions that the cache has room for in a slot: whole panels of eight keys. */
  get #capacity(): number {
    return Math.ceil(this.contextTokens / 8) * 8;
  }

  /** Highest position that a pass has reached in memory, bytes; for the test of {@link decodeMemoryBytes}. */
  get peakBytes(): number {
    return this.#stepArena.peakBytes;
  }

  /** Tokens in a slot's sequence. */
  length(slot: number): number {
    return this.#lengths[slot] ?? 0;
  }

  /** Forgets all but the first `length` tokens of a slot's sequence. */
  truncate(slot: number, length: number): void {
    invariant(length <= this.length(slot), "truncate cannot lengthen");
    this.#lengths[slot] = length;
  }

  /** Makes a slot hold the first `length` tokens of another's sequence, byte for byte, whatever it held. */
  copy(from: number, to: number, length: number): void {
    invariant(length <= this.length(from), "copy cannot lengthen");
    invariant(from !== to && from >= 0 && to >= 0 && to < this.slots, `a copy of slot ${from} to ${to}`);
    const { kvHeads, headSize } = this.config;
    const half = this.#capacity * headSize; // of a head's block: keys in whole panels of eight, then values
    const parts = [
      { at: 0, count: Math.ceil(length / 8) * 8 * headSize },
      { at: half, count: length * headSize },
    ];
    for (const cache of this.#caches)
      for (let head = 0; head < kvHeads; head++)
        for (const { at, count } of parts) {
          const source = (cache >>> 2) + (from * kvHeads + head) * 2 * half + at;
          this.#f32.copyWithin(source + (to - from) * kvHeads * 2 * half, source, source + count);
        }
    this.#lengths[to] = length;
  }

  /**
   * Appends ids to sequences and returns the logits after each row's last id: one Float32Array of vocabularySize a row,
   * views that the next call overwrites. A slot may appear once; throws `limit-exceeded` past the context, changing nothing.
   */
  extend(rows: readonly SlotExtension[]): Float32Array[] {
    for (const { slot, ids } of rows) {
      invariant(ids.length > 0 && slot >= 0 && slot < this.slots, `extension of slot ${slot} by ${ids.length} ids`);
      if (this.length(slot) + ids.length > this.contextTokens) {
        throw new AppError(
          "limit-exceeded",
          `sequence of ${this.length(slot) + ids.length} tokens exceeds the context of ${this.contextTokens}`,
        );
      }
    }
    const whole = rows.map((row) => this.#readBeginning(row));
    const logits: Float32Array[] = [];
    for (let start = 0; start < rows.length; ) {
      let end = start;
      let tokens = 0;
      while (end < rows.length && (end === start || tokens + (whole[end]?.ids.length ?? 0) <= MAX_ROWS))
        tokens += whole[end++]?.ids.length ?? 0;
      // Views of an earlier pass would be overwritten by the next one, so several passes copy.
      const pass = this.#extendOnce(whole.slice(start, end));
      logits.push(...(end - start === rows.length ? pass : pass.map((row) => row.slice())));
      start = end;
    }
    return logits;
  }

  /** Reads all of a long extension but its last pass, which is returned. */
  #readBeginning({ slot, ids }: SlotExtension): SlotExtension {
    let at = 0;
    for (; ids.length - at > MAX_ROWS; at += MAX_ROWS) this.#extendOnce([{ slot, ids: ids.slice(at, at + MAX_ROWS) }]);
    return at === 0 ? { slot, ids } : { slot, ids: ids.slice(at) };
  }

  #extendOnce(rows: readonly SlotExtension[]): Float32Array[] {
    const flat = this.#flatten(rows);
    const mark = this.#stepArena.mark();
    const graph = new Graph(this.#backend, this.#stepArena, { isRecording: false });
    const segments = graph.indices(flat.segments);
    const ragged = {
      positions: graph.indices(flat.positions),
      ropeTable: this.#ropeTable,
      segments,
      segmentCount: rows.length,
    };
    const slots = graph.indices(flat.slots);
    const model = { config: this.config, parameters: this.#parameters, packed: this.#packed };
    const attend = (qkv: Tensor, layer: number): Tensor =>
      this.#attend(graph, qkv, { layer, slots, positions: ragged.positions, segments, segmentCount: rows.length });
    const wanted = { indices: graph.indices(flat.lastRows), count: rows.length };
    const pass = { ids: graph.indices(flat.ids), rows: flat.ids.length, ragged, attend, wanted };
    const logits = logitsOf(graph, model, hiddenStates(graph, model, pass));
    for (const { slot, ids } of rows) this.#lengths[slot] = this.length(slot) + ids.length;
    this.#stepArena.release(mark);
    const V = this.config.vocabularySize;
    return rows.map((_, row) =>
      this.#f32.subarray((logits.pointer >>> 2) + row * V, (logits.pointer >>> 2) + (row + 1) * V),
    );
  }

  #attend(
    graph: Graph,
    qkv: Tensor,
    at: { layer: number; slots: number; positions: number; segments: number; segmentCount: number },
  ): Tensor {
    const { heads, kvHeads, headSize } = this.config;
    const cache = this.#caches[at.layer] ?? 0;
    this.#backend.run(
      "appendKeyValues",
      qkv.rows,
      64,
      qkv.pointer + heads * headSize * 4,
      qkv.columns,
      cache,
      this.#capacity,
      at.slots,
      at.positions,
      kvHeads,
      headSize,
    );
    const out = graph.tensor(qkv.rows, heads * headSize);
    this.#backend.run(
      "cachedAttention",
      at.segmentCount * kvHeads,
      1,
      qkv.pointer,
      qkv.columns,
      cache,
      this.#capacity,
      out.pointer,
      out.columns,
      at.segments,
      heads,
      kvHeads,
      headSize,
    );
    return out;
  }

  #flatten(rows: readonly SlotExtension[]) {
    const ids: number[] = [];
    const positions: number[] = [];
    const slots: number[] = [];
    const segments: number[] = [];
    const lastRows: number[] = [];
    for (const row of rows) {
      const past = this.length(row.slot);
      segments.push(ids.length, row.ids.length, row.slot, past + row.ids.length);
      row.ids.forEach((token, i) => {
        ids.push(token);
        positions.push(past + i);
        slots.push(row.slot);
      });
      lastRows.push(ids.length - 1);
    }
    return { ids, positions, slots, segments, lastRows };
  }
}

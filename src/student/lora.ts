/** @file Adapters of low rank on every dense layer of a student (Hu et al. 2021), in the names and shapes of `peft`. */
import { invariant } from "../core/errors.ts";
import { prng } from "../core/prng.ts";
import type { Adapter } from "../engine/adapter.ts";
import type { Parameter } from "../engine/graph.ts";
import { roundToBf16, widenBf16 } from "./checkpoint/bf16.ts";
import type { NamedTensors, StoredTensors } from "./checkpoint/safetensors.ts";
import type { StudentConfig } from "./checkpoint/student-config.ts";
import type { ParameterMap } from "./parameter-memory.ts";
import { type ParameterShape, tensorPlaces } from "./parameters.ts";

/** How large adapters are, and how much they count: they are scaled by alpha / rank. */
export interface LoraSettings {
  readonly rank: number;
  readonly alpha: number;
}

/** One of Hugging Face's matrices that has an adapter: its place among the parts of our (fused) one. */
interface AdaptedPart {
  /** `model.layers.0.self_attn.q_proj`. */
  readonly module: string;
  readonly parameter: string;
  readonly part: number;
  readonly parts: number;
  readonly firstRow: number;
  readonly rows: number;
  readonly columns: number;
}

/** Every matrix of the layers; embedding and head have none, as peft's "all-linear". */
function adaptedParts(config: StudentConfig): AdaptedPart[] {
  const places = tensorPlaces(config).filter(({ tensor }) => tensor.endsWith("_proj.weight"));
  const ofParameter = (name: string) => places.filter(({ parameter }) => parameter === name);
  return places.map((place): AdaptedPart => {
    const siblings = ofParameter(place.parameter);
    const [rows = 0, columns = 0] = place.shape;
    return {
      module: place.tensor.slice(0, -".weight".length),
      parameter: place.parameter,
      part: siblings.indexOf(place),
      parts: siblings.length,
      firstRow: place.firstRow,
      rows,
      columns,
    };
  });
}

const downName = (parameter: string): string => `${parameter}.loraA`;
const upName = (parameter: string): string => `${parameter}.loraB`;
/** peft's names of a module's two matrices. */
const peftName = (module: string, letter: "A" | "B"): string => `base_model.model.${module}.lora_${letter}.weight`;

/** The adapters' parameters: of a fused matrix, A of all parts below each other, B as blocks. */
export function adapterShapes(config: StudentConfig, { rank }: Pick<LoraSettings, "rank">): ParameterShape[] {
  return adaptedParts(config)
    .filter(({ part }) => part === 0)
    .flatMap(({ parameter, parts, columns }) => {
      const rows = rowsOf(config, parameter);
      return [
        { name: downName(parameter), rows: rank * parts, columns, hasDecay: true },
        { name: upName(parameter), rows, columns: rank * parts, hasDecay: true },
      ];
    });
}

function rowsOf(config: StudentConfig, parameter: string): number {
  const parts = adaptedParts(config).filter((part) => part.parameter === parameter);
  return parts.reduce((sum, { rows }) => sum + rows, 0);
}

/** The adapter of each of our matrices, by its name. */
export function assembleAdapters(
  config: StudentConfig,
  parameters: ParameterMap,
  { rank, alpha }: LoraSettings,
): ReadonlyMap<string, Adapter> {
  const find = (name: string): Parameter => {
    const parameter = parameters.get(name);
    invariant(parameter, `no parameter ${name}`);
    return parameter;
  };
  const adapters = new Map<string, Adapter>();
  const parts = adaptedParts(config);
  for (const { parameter, part } of parts) {
    if (part > 0) continue;
    const own = parts.filter((each) => each.parameter === parameter);
    const firstRows = [...own.map(({ firstRow }) => firstRow), own.reduce((sum, { rows }) => sum + rows, 0)];
    const [down, up] = [find(downName(parameter)), find(upName(parameter))];
    adapters.set(parameter, { down, up, scale: alpha / rank, firstRows });
  }
  return adapters;
}

/** Names and shapes of an adapter's tensors, as peft saves them. */
export function adapterTensorShapes(
  config: StudentConfig,
  { rank }: Pick<LoraSettings, "rank">,
): Map<string, readonly number[]> {
  return new Map(
    adaptedParts(config).flatMap(({ module, rows, columns }) => [
      [peftName(module, "A"), [rank, columns]],
      [peftName(module, "B"), [rows, rank]],
    ]),
  );
}

/**
 * Fresh adapters as peft makes them: A uniform within 1 / sqrt(inputs) (Kaiming's bound for a slope of sqrt(5)), B zero, so
 * that the student starts as its base. The same seed gives the same tensors.
 */
export function initialAdapter(config: StudentConfig, settings: LoraSettings, seed: number): NamedTensors {
  return new Map(
    [...adapterTensorShapes(config, settings)].map(([name, shape]) => {
      const [rows = 0, columns = 0] = shape;
      const data = new Float32Array(rows * columns);
      if (name.endsWith("lora_A.weight")) {
        const random = prng(`initial-adapter/${seed}/${name}`);
        const bound = 1 / Math.sqrt(columns);
        for (let i = 0; i < data.length; i++) data[i] = bound * (2 * random.next() - 1);
      }
      return [name, { shape, data }];
    }),
  );
}

/** Copies an adapter's tensors into memory. */
export function importAdapter(
  config: StudentConfig,
  parameters: ParameterMap,
  { f32, adapter }: { readonly f32: Float32Array; readonly adapter: NamedTensors },
): void {
  eachRow(config, parameters, "pointer", ({ tensor, from, at, length }) => {
    const data = adapter.get(tensor)?.data;
    invariant(data !== undefined && data.length >= from + length, `adapter of another shape: ${tensor}`);
    f32.set(data.subarray(from, from + length), at);
  });
}

/** Copies of the adapter, or of its gradient, in peft's names. */
export function exportAdapter(
  config: StudentConfig,
  parameters: ParameterMap,
  { f32, what = "pointer" }: { readonly f32: Float32Array; readonly what?: "pointer" | "gradient" },
): NamedTensors {
  const first = parameters.get(downName("0.qkv"));
  const rank = (first?.rows ?? 0) / (adaptedParts(config)[0]?.parts ?? 1);
  const tensors: NamedTensors = new Map(
    [...adapterTensorShapes(config, { rank })].map(([name, shape]) => [
      name,
      { shape, data: new Float32Array(shape.reduce((product, extent) => product * extent, 1)) },
    ]),
  );
  eachRow(config, parameters, what, ({ tensor, from, at, length }) =>
    tensors.get(tensor)?.data.set(f32.subarray(at, at + length), from),
  );
  return tensors;
}

/** Every contiguous run of an adapter's values: where it stands in peft's tensor, and in memory (elements). */
function eachRow(
  config: StudentConfig,
  parameters: ParameterMap,
  what: "pointer" | "gradient",
  visit: (run: { tensor: string; from: number; at: number; length: number }) => void,
): void {
  for (const { module, parameter, part, parts, firstRow, rows, columns } of adaptedParts(config)) {
    const [down, up] = [parameters.get(downName(parameter)), parameters.get(upName(parameter))];
    invariant(down && up, `no adapter of ${parameter}`);
    const rank = down.rows / parts;
    const length = rank * columns;
    visit({ tensor: peftName(module, "A"), from: 0, at: (down[what] >>> 2) + part * length, length });
    for (let row = 0; row < rows; row++) {
      const at = (up[what] >>> 2) + (firstRow + row) * up.columns + part * rank;
      visit({ tensor: peftName(module, "B"), from: row * rank, at, length: rank });
    }
  }
}

/** W + alpha / rank B A for every adapted matrix, in f32; a base of bf16 gives bf16, rounded once. Others stay the same objects. */
export function mergeAdapter(
  config: StudentConfig,
  { tensors, adapter, settings }: { tensors: StoredTensors; adapter: NamedTensors; settings: LoraSettings },
): StoredTensors {
  const merged = new Map(tensors);
  const scale = settings.alpha / settings.rank;
  for (const { module, rows, columns } of adaptedParts(config)) {
    const [a, b] = [adapter.get(peftName(module, "A"))?.data, adapter.get(peftName(module, "B"))?.data];
    const base = tensors.get(`${module}.weight`);
    invariant(a && b && base, `no adapter or weight of ${module}`);
    const sums = base.data instanceof Uint16Array ? widenBf16(base.data) : base.data.slice();
    addProduct(sums, { a, b, rows, columns, scale });
    const data = base.data instanceof Uint16Array ? roundToBf16(sums) : sums;
    merged.set(`${module}.weight`, { shape: base.shape, data });
  }
  return merged;
}

function addProduct(
  sums: Float32Array,
  { a, b, rows, columns, scale }: { a: Float32Array; b: Float32Array; rows: number; columns: number; scale: number },
): void {
  const rank = a.length / columns;
  const change = new Float64Array(columns);
  for (let row = 0; row < rows; row++) {
    change.fill(0);
    for (let r = 0; r < rank; r++) {
      const factor = b[row * rank + r] ?? 0;
      for (let c = 0; c < columns; c++) change[c] = (change[c] ?? 0) + factor * (a[r * columns + c] ?? 0);
    }
    for (let c = 0; c < columns; c++)
      sums[row * columns + c] = (sums[row * columns + c] ?? 0) + scale * (change[c] ?? 0);
  }
}

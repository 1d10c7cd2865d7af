/** @file This instance's private working memory: module globals are per instance, so each thread has its own. */

/** Constant vectors at the start of the scratch; see `writeConstants`. */
const CONSTANT_BYTES: usize = 224;

let start: usize = 0;
let size: usize = 0;

/** Gives this instance `bytes` of memory at `pointer` (16-byte aligned) that no other thread touches. Call it first. */
export function setScratch(pointer: usize, bytes: usize): void {
  start = pointer;
  size = bytes;
  if (CONSTANT_BYTES > size) unreachable();
  writeConstants(pointer);
}

/** The scratch memory; traps when `bytes` of it are not there, as writing past it would corrupt a neighbour. */
export function scratch(bytes: usize): usize {
  if (bytes + CONSTANT_BYTES > size) unreachable();
  return start + CONSTANT_BYTES;
}

/** Where the constants of `Exp` lie. */
export function vectorConstants(): usize {
  return start;
}

/** The constants of e^x, four copies each, in the order in which `Exp.of` reads them. */
function writeConstants(at: usize): void {
  v128.store(at, f32x4.splat(-87.33654)); // below this the result would be subnormal and is 0
  v128.store(at, f32x4.splat(88.02), 16); // above this the exponent would overflow
  v128.store(at, f32x4.splat(1.4426950408889634), 32);
  v128.store(at, f32x4.splat(12582912.0), 48);
  v128.store(at, f32x4.splat(0.693359375), 64); // ln 2 in two parts
  v128.store(at, f32x4.splat(-2.1219444e-4), 80);
  v128.store(at, f32x4.splat(1.9875691e-4), 96);
  v128.store(at, f32x4.splat(1.3981999507e-3), 112);
  v128.store(at, f32x4.splat(8.3334519073e-3), 128);
  v128.store(at, f32x4.splat(4.1665795894e-2), 144);
  v128.store(at, f32x4.splat(1.6666665459e-1), 160);
  v128.store(at, f32x4.splat(5.0000001201e-1), 176);
  v128.store(at, f32x4.splat(1), 192);
  v128.store(at, i32x4.splat(127), 208);
}

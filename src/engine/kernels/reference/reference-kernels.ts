import { PANEL_COLUMNS, SQUARE_CHUNK, type Kernels } from "../kernel.ts";

/**
 * The kernels in plain TypeScript: the specification that faster builds are tested against. Sums run in f64 and are
 * rounded to f32 when stored, so this build is slightly more exact than the others (tolerances: docs/engine.md).
 */
export function referenceKernels(buffer: ArrayBufferLike): Kernels {
  const f32 = new Float32Array(buffer, 0, Math.floor(buffer.byteLength / 4));
  const i32 = new Int32Array(buffer, 0, f32.length);
  return {
    ...matrixKernels(f32),
    ...normKernels(f32),
    ...attentionKernels(f32, i32),
    ...rowKernels(f32, i32),
    ...cacheKernels(f32, i32),
    ...optimizerKernels(f32),
    ...headNormKernels(f32),
    ...bf16Kernels(f32, i32, new Uint16Array(buffer, 0, f32.length * 2)),
  };
}

function matrixKernels(f32: Float32Array): Pick<Kernels, "packPanels" | "matmul" | "columnSums" | "add" | "scale"> {
  return {
    packPanels(b, k, n, kStride, nStride, out, from, to) {
      for (let panel = from; panel < to; panel++) {
        for (let row = 0; row < k; row++) {
          for (let j = 0; j < PANEL_COLUMNS; j++) {
            const column = panel * PANEL_COLUMNS + j;
            f32[(out >>> 2) + (panel * k + row) * PANEL_COLUMNS + j] =
              column < n ? f32[(b >>> 2) + row * kStride + column * nStride] : 0;
          }
        }
      }
    },
    matmul(a, rowStride, kStride, panels, bias, c, k, n, isAccumulating, from, to) {
      for (let row = from; row < to; row++) {
        for (let column = 0; column < n; column++) {
          const panel = (panels >>> 2) + (column >> 3) * k * PANEL_COLUMNS + (column & 7);
          const target = (c >>> 2) + row * n + column;
          let sum = isAccumulating ? f32[target] : bias ? f32[(bias >>> 2) + column] : 0;
          for (let i = 0; i < k; i++)
            sum += f32[(a >>> 2) + row * rowStride + i * kStride] * f32[panel + i * PANEL_COLUMNS];
          f32[target] = sum;
        }
      }
    },
    columnSums(x, out, rows, channels, from, to) {
      for (let c = from; c < to; c++) {
        let sum = f32[(out >>> 2) + c];
        for (let row = 0; row < rows; row++) sum += f32[(x >>> 2) + row * channels + c];
        f32[(out >>> 2) + c] = sum;
      }
    },
    scale(x, factor, from, to) {
      for (let i = from; i < to; i++) f32[(x >>> 2) + i] *= Math.fround(factor);
    },
    add(source, destination, from, to) {
      for (let i = from; i < to; i++) f32[(destination >>> 2) + i] += f32[(source >>> 2) + i];
    },
  };
}

function normKernels(f32: Float32Array): Pick<Kernels, "rmsNormForward" | "rmsNormBackward" | "rmsNormWeightGrad"> {
  return {
    rmsNormForward(x, weight, y, rstd, channels, epsilon, from, to) {
      for (let row = from; row < to; row++) {
        const base = (x >>> 2) + row * channels;
        let squares = 0;
        for (let c = 0; c < channels; c++) squares += f32[base + c] * f32[base + c];
        const scale = 1 / Math.sqrt(squares / channels + epsilon);
        f32[(rstd >>> 2) + row] = scale;
        for (let c = 0; c < channels; c++)
          f32[(y >>> 2) + row * channels + c] = f32[base + c] * scale * f32[(weight >>> 2) + c];
      }
    },
    // With n = x * rstd: dx = rstd * (dy * w - n * mean(dy * w * n)).
    rmsNormBackward(x, weight, rstd, dy, dx, channels, from, to) {
      for (let row = from; row < to; row++) {
        const base = row * channels;
        const scale = f32[(rstd >>> 2) + row];
        let dot = 0;
        for (let c = 0; c < channels; c++)
          dot += f32[(dy >>> 2) + base + c] * f32[(weight >>> 2) + c] * f32[(x >>> 2) + base + c];
        const mean = (dot * scale * scale) / channels;
        for (let c = 0; c < channels; c++) {
          f32[(dx >>> 2) + base + c] +=
            scale * (f32[(dy >>> 2) + base + c] * f32[(weight >>> 2) + c] - f32[(x >>> 2) + base + c] * mean);
        }
      }
    },
    rmsNormWeightGrad(x, rstd, dy, dweight, rows, channels, from, to) {
      for (let c = from; c < to; c++) {
        let sum = f32[(dweight >>> 2) + c];
        for (let row = 0; row < rows; row++)
          sum += f32[(dy >>> 2) + row * channels + c] * f32[(x >>> 2) + row * channels + c] * f32[(rstd >>> 2) + row];
        f32[(dweight >>> 2) + c] = sum;
      }
    },
  };
}

function attentionKernels(
  f32: Float32Array,
  i32: Int32Array,
): Pick<Kernels, "rope" | "attentionForward" | "attentionBackward"> {
  const dot = (a: number, b: number, n: number): number => {
    let sum = 0;
    for (let i = 0; i < n; i++) sum += f32[a + i] * f32[b + i];
    return sum;
  };
  return {
    rope(x, positions, table, heads, headSize, rowStride, direction, from, to) {
      const half = headSize >> 1;
      for (let row = from; row < to; row++) {
        const angles = (table >>> 2) + i32[(positions >>> 2) + row] * headSize;
        for (let head = 0; head < heads; head++) {
          const base = (x >>> 2) + row * rowStride + head * headSize;
          for (let i = 0; i < half; i++) {
            const cos = f32[angles + i];
            const sin = f32[angles + half + i] * direction;
            const first = f32[base + i];
            const second = f32[base + half + i];
            f32[base + i] = first * cos - second * sin;
            f32[base + half + i] = second * cos + first * sin;
          }
        }
      }
    },
    attentionForward(q, qStride, k, v, kvStride, out, outStride, lse, segments, heads, kvHeads, headSize, from, to) {
      const scale = 1 / Math.sqrt(headSize);
      for (let item = from; item < to; item++) {
        const head = item % heads;
        const kvHead = Math.floor((head * kvHeads) / heads);
        const [queryStart, queryLength, keyStart, keyLength] = segmentAt(i32, segments, Math.floor(item / heads));
        for (let i = 0; i < queryLength; i++) {
          const query = (q >>> 2) + (queryStart + i) * qStride + head * headSize;
          const visible = keyLength - queryLength + i + 1;
          const scores = new Float64Array(visible);
          let largest = -Infinity;
          for (let j = 0; j < visible; j++) {
            scores[j] = dot(query, (k >>> 2) + (keyStart + j) * kvStride + kvHead * headSize, headSize) * scale;
            largest = Math.max(largest, scores[j]);
          }
          let total = 0;
          for (let j = 0; j < visible; j++) total += scores[j] = Math.exp(scores[j] - largest);
          if (lse) f32[(lse >>> 2) + (queryStart + i) * heads + head] = largest + Math.log(total);
          for (let d = 0; d < headSize; d++) {
            let sum = 0;
            for (let j = 0; j < visible; j++)
              sum += scores[j] * f32[(v >>> 2) + (keyStart + j) * kvStride + kvHead * headSize + d];
            f32[(out >>> 2) + (queryStart + i) * outStride + head * headSize + d] = sum / total;
          }
        }
      }
    },
    // Dao 2022 (FlashAttention), appendix B: p = exp(s - lse), dv = p' dout, ds = p * (dout v' - rowsum(dout * out)).
    attentionBackward(
      q,
      qStride,
      k,
      v,
      kvStride,
      out,
      dout,
      outStride,
      lse,
      dq,
      dk,
      dv,
      segments,
      heads,
      kvHeads,
      headSize,
      from,
      to,
    ) {
      const scale = 1 / Math.sqrt(headSize);
      const group = heads / kvHeads;
      for (let item = from; item < to; item++) {
        const kvHead = item % kvHeads;
        const [start, length] = segmentAt(i32, segments, Math.floor(item / kvHeads));
        const keyAt = (pointer: number, j: number): number =>
          (pointer >>> 2) + (start + j) * kvStride + kvHead * headSize;
        for (let j = 0; j < length; j++) {
          f32.fill(0, keyAt(dk, j), keyAt(dk, j) + headSize);
          f32.fill(0, keyAt(dv, j), keyAt(dv, j) + headSize);
        }
        for (let head = kvHead * group; head < (kvHead + 1) * group; head++) {
          for (let i = 0; i < length; i++) {
            const query = (q >>> 2) + (start + i) * qStride + head * headSize;
            const dquery = (dq >>> 2) + (start + i) * qStride + head * headSize;
            const output = (out >>> 2) + (start + i) * outStride + head * headSize;
            const doutput = (dout >>> 2) + (start + i) * outStride + head * headSize;
            const delta = dot(output, doutput, headSize);
            f32.fill(0, dquery, dquery + headSize);
            for (let j = 0; j <= i; j++) {
              const p = Math.exp(
                dot(query, keyAt(k, j), headSize) * scale - f32[(lse >>> 2) + (start + i) * heads + head],
              );
              const ds = p * (dot(doutput, keyAt(v, j), headSize) - delta) * scale;
              for (let d = 0; d < headSize; d++) {
                f32[dquery + d] += ds * f32[keyAt(k, j) + d];
                f32[keyAt(dk, j) + d] += ds * f32[query + d];
                f32[keyAt(dv, j) + d] += p * f32[doutput + d];
              }
            }
          }
        }
      }
    },
  };
}

function segmentAt(i32: Int32Array, segments: number, index: number): [number, number, number, number] {
  const at = (segments >>> 2) + index * 4;
  return [i32[at], i32[at + 1], i32[at + 2], i32[at + 3]];
}

function rowKernels(
  f32: Float32Array,
  i32: Int32Array,
): Pick<Kernels, "swigluForward" | "swigluBackward" | "embeddingForward" | "embeddingBackward" | "crossEntropy"> {
  return {
    swigluForward(gateUp, out, hidden, from, to) {
      for (let row = from; row < to; row++) {
        for (let i = 0; i < hidden; i++) {
          const gate = f32[(gateUp >>> 2) + row * 2 * hidden + i];
          f32[(out >>> 2) + row * hidden + i] =
            (gate / (1 + Math.exp(-gate))) * f32[(gateUp >>> 2) + row * 2 * hidden + hidden + i];
        }
      }
    },
    swigluBackward(gateUp, dout, dGateUp, hidden, from, to) {
      for (let row = from; row < to; row++) {
        const base = row * 2 * hidden;
        for (let i = 0; i < hidden; i++) {
          const gate = f32[(gateUp >>> 2) + base + i];
          const up = f32[(gateUp >>> 2) + base + hidden + i];
          const gradient = f32[(dout >>> 2) + row * hidden + i];
          const sigmoid = 1 / (1 + Math.exp(-gate));
          f32[(dGateUp >>> 2) + base + i] = gradient * up * sigmoid * (1 + gate * (1 - sigmoid));
          f32[(dGateUp >>> 2) + base + hidden + i] = gradient * gate * sigmoid;
        }
      }
    },
    embeddingForward(ids, table, out, channels, from, to) {
      for (let row = from; row < to; row++) {
        const source = (table >>> 2) + i32[(ids >>> 2) + row] * channels;
        f32.copyWithin((out >>> 2) + row * channels, source, source + channels);
      }
    },
    embeddingBackward(ids, dout, dtable, rows, channels, from, to) {
      for (let row = 0; row < rows; row++) {
        const target = (dtable >>> 2) + i32[(ids >>> 2) + row] * channels;
        for (let c = from; c < to; c++) f32[target + c] += f32[(dout >>> 2) + row * channels + c];
      }
    },
    crossEntropy(logits, targets, weights, losses, vocabulary, stride, from, to) {
      for (let row = from; row < to; row++) {
        const base = (logits >>> 2) + row * stride;
        const weight = f32[(weights >>> 2) + row];
        f32[(losses >>> 2) + row] = 0;
        if (weight === 0) {
          f32.fill(0, base, base + stride);
          continue;
        }
        let largest = -Infinity;
        for (let i = 0; i < vocabulary; i++) largest = Math.max(largest, f32[base + i]);
        let total = 0;
        for (let i = 0; i < vocabulary; i++) total += Math.exp(f32[base + i] - largest);
        const target = base + i32[(targets >>> 2) + row];
        f32[(losses >>> 2) + row] = weight * (Math.log(total) + largest - f32[target]);
        for (let i = 0; i < vocabulary; i++) f32[base + i] = (weight * Math.exp(f32[base + i] - largest)) / total;
        f32[target] -= weight;
        f32.fill(0, base + vocabulary, base + stride);
      }
    },
  };
}

function cacheKernels(f32: Float32Array, i32: Int32Array): Pick<Kernels, "appendKeyValues" | "cachedAttention"> {
  const keyAt = (position: number, d: number, headSize: number): number =>
    (position >> 3) * 8 * headSize + 8 * d + (position & 7);
  return {
    appendKeyValues(source, sourceStride, cache, capacity, slots, positions, kvHeads, headSize, from, to) {
      for (let row = from; row < to; row++) {
        const position = i32[(positions >>> 2) + row];
        for (let head = 0; head < kvHeads; head++) {
          const block = (cache >>> 2) + (i32[(slots >>> 2) + row] * kvHeads + head) * 2 * capacity * headSize;
          const keys = (source >>> 2) + row * sourceStride + head * headSize;
          for (let d = 0; d < headSize; d++) {
            f32[block + keyAt(position, d, headSize)] = f32[keys + d];
            f32[block + (capacity + position) * headSize + d] = f32[keys + kvHeads * headSize + d];
          }
        }
      }
    },
    cachedAttention(q, qStride, cache, capacity, out, outStride, segments, heads, kvHeads, headSize, from, to) {
      const group = heads / kvHeads;
      for (let item = from; item < to; item++) {
        const [start, length, slot, keyLength] = segmentAt(i32, segments, Math.floor(item / kvHeads));
        const block = (cache >>> 2) + (slot * kvHeads + (item % kvHeads)) * 2 * capacity * headSize;
        for (let n = 0; n < group * length; n++) {
          const head = (item % kvHeads) * group + Math.floor(n / length);
          const row = start + (n % length);
          const scores = new Float64Array(keyLength - length + (n % length) + 1).map((_, j) => {
            let sum = 0;
            for (let d = 0; d < headSize; d++)
              sum += f32[(q >>> 2) + row * qStride + head * headSize + d] * f32[block + keyAt(j, d, headSize)];
            return sum / Math.sqrt(headSize);
          });
          const largest = Math.max(...scores);
          const weights = scores.map((score) => Math.exp(score - largest));
          const total = weights.reduce((sum, weight) => sum + weight, 0);
          for (let d = 0; d < headSize; d++) {
            const sum = weights.reduce((s, weight, j) => s + weight * f32[block + (capacity + j) * headSize + d], 0);
            f32[(out >>> 2) + row * outStride + head * headSize + d] = sum / total;
          }
        }
      }
    },
  };
}

function headNormKernels(
  f32: Float32Array,
): Pick<Kernels, "headNormForward" | "headNormBackward" | "headNormWeightGrad"> {
  return {
    headNormForward(x, weight, saved, rstd, heads, headSize, rowStride, epsilon, from, to) {
      for (let row = from; row < to; row++) {
        for (let head = 0; head < heads; head++) {
          const base = (x >>> 2) + row * rowStride + head * headSize;
          const place = row * heads + head;
          let squares = 0;
          for (let c = 0; c < headSize; c++) squares += f32[base + c] ** 2;
          const scale = 1 / Math.sqrt(squares / headSize + epsilon);
          if (rstd) f32[(rstd >>> 2) + place] = scale;
          if (saved) f32.copyWithin((saved >>> 2) + place * headSize, base, base + headSize);
          for (let c = 0; c < headSize; c++) f32[base + c] = f32[base + c] * scale * f32[(weight >>> 2) + c];
        }
      }
    },
    headNormBackward(saved, weight, rstd, gradient, heads, headSize, rowStride, from, to) {
      for (let row = from; row < to; row++) {
        for (let head = 0; head < heads; head++) {
          const slope = (gradient >>> 2) + row * rowStride + head * headSize;
          const place = row * heads + head;
          const base = (saved >>> 2) + place * headSize;
          const scale = f32[(rstd >>> 2) + place];
          let dot = 0;
          for (let c = 0; c < headSize; c++) dot += f32[slope + c] * f32[(weight >>> 2) + c] * f32[base + c];
          const mean = (dot * scale * scale) / headSize;
          for (let c = 0; c < headSize; c++)
            f32[slope + c] = scale * (f32[slope + c] * f32[(weight >>> 2) + c] - f32[base + c] * mean);
        }
      }
    },
    headNormWeightGrad(saved, rstd, gradient, dweight, rows, heads, headSize, rowStride, from, to) {
      for (let c = from; c < to; c++) {
        let sum = f32[(dweight >>> 2) + c];
        for (let row = 0; row < rows; row++) {
          for (let head = 0; head < heads; head++) {
            const place = row * heads + head;
            sum +=
              f32[(gradient >>> 2) + row * rowStride + head * headSize + c] *
              f32[(saved >>> 2) + place * headSize + c] *
              f32[(rstd >>> 2) + place];
          }
        }
        f32[(dweight >>> 2) + c] = sum;
      }
    },
  };
}

function bf16Kernels(
  f32: Float32Array,
  i32: Int32Array,
  u16: Uint16Array,
): Pick<Kernels, "packPanelsBf16" | "matmulBf16" | "embeddingForwardBf16"> {
  const widened = new Float32Array(1);
  const bits = new Uint32Array(widened.buffer);
  const widen = (half: number): number => {
    bits[0] = half << 16;
    return widened[0];
  };
  return {
    packPanelsBf16(b, k, n, kStride, nStride, out, from, to) {
      for (let panel = from; panel < to; panel++) {
        for (let row = 0; row < k; row++) {
          for (let j = 0; j < PANEL_COLUMNS; j++) {
            const column = panel * PANEL_COLUMNS + j;
            u16[(out >>> 1) + (panel * k + row) * PANEL_COLUMNS + j] =
              column < n ? u16[(b >>> 1) + row * kStride + column * nStride] : 0;
          }
        }
      }
    },
    matmulBf16(a, rowStride, kStride, panels, bias, c, k, n, isAccumulating, from, to) {
      for (let row = from; row < to; row++) {
        for (let column = 0; column < n; column++) {
          const panel = (panels >>> 1) + (column >> 3) * k * PANEL_COLUMNS + (column & 7);
          const target = (c >>> 2) + row * n + column;
          let sum = isAccumulating ? f32[target] : bias ? f32[(bias >>> 2) + column] : 0;
          for (let i = 0; i < k; i++)
            sum += f32[(a >>> 2) + row * rowStride + i * kStride] * widen(u16[panel + i * PANEL_COLUMNS]);
          f32[target] = sum;
        }
      }
    },
    embeddingForwardBf16(ids, table, out, channels, from, to) {
      for (let row = from; row < to; row++) {
        const source = (table >>> 1) + i32[(ids >>> 2) + row] * channels;
        for (let c = 0; c < channels; c++) f32[(out >>> 2) + row * channels + c] = widen(u16[source + c]);
      }
    },
  };
}

function optimizerKernels(f32: Float32Array): Pick<Kernels, "sumOfSquares" | "adamw"> {
  return {
    sumOfSquares(x, n, partials, from, to) {
      for (let chunk = from; chunk < to; chunk++) {
        let sum = 0;
        for (let i = chunk * SQUARE_CHUNK; i < Math.min(n, (chunk + 1) * SQUARE_CHUNK); i++)
          sum += f32[(x >>> 2) + i] ** 2;
        f32[(partials >>> 2) + chunk] = sum;
      }
    },
    adamw(
      parameter,
      gradient,
      m,
      v,
      learningRate,
      beta1,
      beta2,
      epsilon,
      weightDecay,
      correction1,
      correction2,
      gradientScale,
      from,
      to,
    ) {
      for (let i = from; i < to; i++) {
        const g = f32[(gradient >>> 2) + i] * gradientScale;
        const first = beta1 * f32[(m >>> 2) + i] + (1 - beta1) * g;
        const second = beta2 * f32[(v >>> 2) + i] + (1 - beta2) * g * g;
        f32[(m >>> 2) + i] = first;
        f32[(v >>> 2) + i] = second;
        const decayed = f32[(parameter >>> 2) + i] * (1 - learningRate * weightDecay);
        f32[(parameter >>> 2) + i] =
          decayed - (learningRate * (first / correction1)) / (Math.sqrt(second / correction2) + epsilon);
      }
    },
  };
}

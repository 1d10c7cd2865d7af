/**
 * Places with whole weights, of which one can be drawn and closed in logarithmic time (Fenwick tree): the n-th unit of
 * weight belongs to the place that it falls into, counted in the places' order.
 */
export class WeightedPlaces {
  readonly #weights: number[];
  /** `#sums[i]`, from 1, holds the weight of the places `i - lowbit(i)` to `i - 1`. */
  readonly #sums: Float64Array;
  #total = 0;

  /** @param weights whole numbers from 0; their sum below 2^53. */
  constructor(weights: readonly number[]) {
    this.#weights = weights.map(() => 0);
    this.#sums = new Float64Array(weights.length + 1);
    weights.forEach((weight, place) => this.#add(place, weight));
  }

  /** Weight of all open places; 0 when none is left. */
  get total(): number {
    return this.#total;
  }

  /** The place that the unit of weight falls into; `unit` is a whole number below `total`. */
  at(unit: number): number {
    let place = 0;
    let rest = unit;
    for (let step = 2 ** Math.floor(Math.log2(this.#sums.length)); step >= 1; step /= 2) {
      const sum = this.#sums[place + step];
      if (sum === undefined || sum > rest) continue;
      place += step;
      rest -= sum;
    }
    return place;
  }

  /** Takes a place out; nothing falls into it any more. */
  close(place: number): void {
    this.#add(place, -(this.#weights[place] ?? 0));
  }

  #add(place: number, weight: number): void {
    this.#weights[place] = (this.#weights[place] ?? 0) + weight;
    this.#total += weight;
    for (let i = place + 1; i < this.#sums.length; i += i & -i) this.#sums[i] = (this.#sums[i] ?? 0) + weight;
  }
}

/**
 * @file Looks at the losses of a training as they come, and says early what a person would see in the curve too late: a loss
 * that is no number, a spike, no learning, a loss of zero. Pure; the same for every backend.
 */

/** What was seen. */
export interface LossFinding {
  readonly type: "not-finite" | "spike" | "no-learning" | "zero";
  readonly step: number;
  /** One sentence for a person. */
  readonly message: string;
}

/** Steps whose losses a spike is held against. */
const WINDOW = 20;
/** With fewer steps before it nothing is called a spike: a loss falls fast at first, and jumps. */
const FEWEST_BEFORE_SPIKE = 10;
/** A spike is so many standard deviations above the mean of the window, and so many nats at least. */
const SPIKE_DEVIATIONS = 6;
const SPIKE_NATS = 0.5;
/** After a spike the next ones are part of it. */
const QUIET_STEPS = 20;
/** Steps whose mean stands for the beginning, and for now. */
const ENDS = 5;
/** Learning is looked for after so many steps, or this share of all, whichever is more. */
const FEWEST_STEPS_TO_LEARN = 30;
const LEARNING_SHARE = 0.2;
/** Less than this share of the first loss gone is no learning. */
const LEARNT_SHARE = 0.01;
/** A loss below it is as good as none: labels that the model is shown, or rows it knows by heart. */
const AS_ZERO = 1e-6;

/** See the file's head. Steps are given in order, each once; those of a training that goes on may begin anywhere. */
export class LossWatch {
  readonly #totalSteps: number;
  readonly #window: number[] = [];
  readonly #first: number[] = [];
  #seen = 0;
  #quietUntil = 0;
  #hasToldZero = false;
  #hasJudged = false;

  /** @param firstStep the first step that will be given: without the beginning no judgement of learning. */
  constructor({ totalSteps, firstStep = 1 }: { readonly totalSteps: number; readonly firstStep?: number }) {
    this.#totalSteps = totalSteps;
    this.#hasJudged = firstStep > ENDS;
  }

  /** What a step shows; undefined where it is as it should be. */
  take({ step, loss }: { readonly step: number; readonly loss: number | null }): LossFinding | undefined {
    if (loss === null || !Number.isFinite(loss))
      return {
        type: "not-finite",
        step,
        message: `the loss of step ${step} is not a number: the weights are lost from here on; lower train.learningRate, or train in f32`,
      };
    const finding = this.#zero(step, loss) ?? this.#spike(step, loss) ?? this.#learning(step, loss);
    this.#seen += 1;
    if (this.#first.length < ENDS) this.#first.push(loss);
    this.#window.push(loss);
    if (this.#window.length > WINDOW) this.#window.shift();
    return finding;
  }

  #zero(step: number, loss: number): LossFinding | undefined {
    if (loss >= AS_ZERO || this.#hasToldZero) return undefined;
    this.#hasToldZero = true;
    return {
      type: "zero",
      step,
      message: `the loss of step ${step} is ${loss}: no model is that sure of text it has not seen; look at the labels (grappa xray)`,
    };
  }

  #spike(step: number, loss: number): LossFinding | undefined {
    if (this.#window.length < FEWEST_BEFORE_SPIKE || step < this.#quietUntil) return undefined;
    const mean = meanOf(this.#window);
    const deviation = Math.sqrt(meanOf(this.#window.map((one) => (one - mean) ** 2)));
    if (loss - mean < Math.max(SPIKE_NATS, SPIKE_DEVIATIONS * deviation)) return undefined;
    this.#quietUntil = step + QUIET_STEPS;
    return {
      type: "spike",
      step,
      message: `the loss of step ${step} is ${loss.toFixed(2)}, after ${mean.toFixed(2)} on average: if it does not come down again, lower train.learningRate`,
    };
  }

  #learning(step: number, loss: number): LossFinding | undefined {
    const enough = Math.max(FEWEST_STEPS_TO_LEARN, Math.ceil(this.#totalSteps * LEARNING_SHARE));
    if (this.#hasJudged || this.#seen + 1 < enough) return undefined;
    this.#hasJudged = true;
    const first = meanOf(this.#first);
    const now = meanOf([...this.#window.slice(1 - ENDS), loss]);
    if (now < first * (1 - LEARNT_SHARE)) return undefined;
    return {
      type: "no-learning",
      step,
      message: `after ${step} steps the loss is ${now.toFixed(3)}, and was ${first.toFixed(3)} at the beginning: nothing is learnt; look at train.learningRate and at the labels (grappa xray)`,
    };
  }
}

const meanOf = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);

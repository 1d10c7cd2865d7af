/** @file Possible worlds of a run: every model in each has its own lengths, speed, chance and price. Pure. */
import { prng } from "../core/prng.ts";
import { type DrawnQuantity, drawQuantity, drawShare } from "./forecast-draws.ts";
import type { AskedModel, ForecastFacts } from "./forecast-facts.ts";
import { type Rates, ratesFor } from "./price-book.ts";

/** So many worlds put the error of a p90 below a twentieth of the spread. */
export const WORLDS = 1000;
/** Batches come back between a quarter of an hour and a day, each octave as likely as the others. */
const BATCH_SECONDS = [900, 86_400] as const;

/** One model in one world. */
export interface DrawnModel {
  readonly model: AskedModel;
  readonly prompt: DrawnQuantity;
  readonly completion: DrawnQuantity;
  readonly secondsEach: number;
  readonly batchSeconds: number;
  readonly solves: number;
  readonly rates: Rates;
  readonly z: { readonly prompt: number; readonly completion: number; readonly solves: number };
}

/** A possible world: everything but the number of questions, so that forecasts of fewer questions are of the same worlds. */
export interface World {
  readonly own: { readonly share: number; readonly z: number };
  readonly students: readonly DrawnModel[];
  readonly teachers: readonly DrawnModel[];
  readonly judge: DrawnModel | undefined;
  readonly evaluation: readonly DrawnModel[];
}

/** The worlds of some facts. */
export function drawWorlds(facts: ForecastFacts, worlds = WORLDS): World[] {
  return Array.from({ length: worlds }, (_, i): World => {
    const draw = (model: AskedModel, role: string): DrawnModel => drawModel(model, `forecast/${i}/${role}`);
    const random = prng(`forecast/${i}/own`);
    return {
      own: { share: facts.ownTries === undefined ? 0 : drawShare(facts.ownTries.solves, random), z: random.normal() },
      students: facts.students.map((model, k) => draw(model, `student/${k}`)),
      teachers: facts.teachers.map((model, k) => draw(model, `teacher/${k}`)),
      judge: facts.judge === undefined ? undefined : draw(facts.judge, "judge"),
      evaluation: facts.evaluation.map(({ model }, k) => draw(model, `evaluate/${k}`)),
    };
  });
}

function drawModel(model: AskedModel, key: string): DrawnModel {
  const random = prng(key);
  const prompt = drawQuantity(model.prompt, random);
  const completion = drawQuantity(model.completion, random);
  const [soonest, latest] = BATCH_SECONDS;
  return {
    model,
    prompt,
    completion,
    secondsEach: drawQuantity(model.seconds, random).mean,
    batchSeconds: soonest * (latest / soonest) ** random.next(),
    solves: drawShare(model.solves, random),
    rates: ratesFor(random.pick(model.prices), prompt.mean),
    z: { prompt: random.normal(), completion: random.normal(), solves: random.normal() },
  };
}

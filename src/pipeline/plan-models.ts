/** @file One model of a recipe as a forecast wants it: its price of the coming hours, its lengths, its chance. Pure. */
import { boughtModel, FINE_TUNE_ACCOUNT } from "../adapters/fine-tune/fine-tune-money.ts";
import type { JournalPurchase } from "../adapters/journal/journal-pass.ts";
import { quantile } from "../core/statistics/bootstrap.ts";
import { endpointPrice } from "../ledger/endpoint-price.ts";
import type { Quantity, Share } from "../ledger/forecast-draws.ts";
import {
  type AskedModel,
  type Bought,
  type ForecastFacts,
  type JobSoFar,
  NOTHING_BOUGHT,
} from "../ledger/forecast-facts.ts";
import {
  BUILTIN_MODEL,
  BUILTIN_PROVIDER,
  describeRates,
  findPrice,
  type Price,
  priceAt,
  tokenCost,
} from "../ledger/price-book.ts";
import type { StudentSize } from "../ledger/training-forecast.ts";
import { count } from "../report/number-format.ts";
import { type Endpoint, endpointName } from "../schema/endpoint.ts";
import type { RecordedTeacher, Recipe } from "../schema/recipe.ts";
import {
  ASSUMED,
  ASSUMED_JUDGED_TOKENS,
  ASSUMED_OWN,
  ASSUMED_PROMPT,
  assumedSeconds,
  BYTES_PER_TOKEN,
  FEWEST_MEASURED,
  type RoleAssumption,
  TEMPLATE_TOKENS,
} from "./plan-assumptions.ts";
import type { PlanFacts, PlanFigure } from "./plan-figures.ts";
import { forecastTries, isAskedByLauncher, paceFigure, takeOf } from "./plan-asking.ts";
import type { PlannedRows } from "./plan-rows.ts";
import { plannedSize } from "./plan-training.ts";

/** In which role a model is asked. */
export interface AskedRole {
  readonly account: "attempt" | "trace" | "judge" | "evaluate";
  readonly assumed: RoleAssumption;
  readonly samples?: number;
  readonly stopsWhenRight?: boolean;
  /** Name in the plan; the model's unless told. */
  readonly called?: string;
}

type BuiltinTeacher = Extract<Recipe["trace"]["teacher"], { type: "builtin" }>;

const HOUR_MS = 3_600_000;
/** A run of a day meets every hour's price once. */
const HOURS = 24;

/** Builds the rows of one plan and remembers what they rest on. */
export class AskedModels {
  readonly #recipe: Recipe;
  readonly #facts: PlanFacts;
  readonly #figures: PlanFigure[] = [];
  readonly #seen = new Set<JournalPurchase>();
  #mostHeld = 0;
  #dearest = 0;

  constructor(recipe: Recipe, facts: PlanFacts) {
    this.#recipe = recipe;
    this.#facts = facts;
    const { from, countedBy, isEstimated } = facts.questions;
    this.tell({ what: "questions", value: `${count(facts.questions.count)} (${from})`, knownBy: { type: "recipe" } });
    this.#tellQuantity(`tokens of a question, by ${countedBy}`, this.#questionTokens(), isEstimated);
  }

  /** Notes a figure; the same one is shown once. */
  tell(figure: PlanFigure): void {
    if (!this.#figures.some(({ what }) => what === figure.what)) this.#figures.push(figure);
  }

  /** What there is to say beside the rows; called last. */
  told(): Omit<PlannedRows, "forecast"> {
    const stray = this.#facts.purchases.filter((purchase) => !this.#seen.has(purchase));
    return {
      figures: this.#figures,
      mostHeldMicroUsd: this.#mostHeld,
      dearestReplyMicroUsd: this.#dearest,
      strayMicroUsd: stray.reduce((sum, { costMicroUsd }) => sum + costMicroUsd, 0),
    };
  }

  /** What the tries of a stage's job on rented GPUs came to so far, under the key that the run would go on with. */
  job(stage: "attempt" | "train" | "evaluate"): JobSoFar {
    const found = this.#facts.stages?.find((one) => one.stage === stage);
    if (found?.key === undefined) return { bought: NOTHING_BOUGHT, isDone: false };
    const isOf = ({ account, outcome, key }: JournalPurchase): boolean =>
      account === stage && outcome === "charge" && key === found.key;
    return { bought: this.#take(isOf, () => true).bought, isDone: found.isDone };
  }

  /** What fine-tunes came to; calls are those that gave a model. */
  boughtTraining(): Bought {
    return this.#take(
      (one) => one.account === FINE_TUNE_ACCOUNT && one.outcome === "charge",
      (one) => boughtModel(one),
    ).bought;
  }

  /** The base's own tries, when the recipe wants any. */
  ownTries(): Pick<ForecastFacts, "ownTries"> {
    const { student, attempt, train } = this.#recipe;
    const perQuestion = new Set(attempt.modes).size;
    if (perQuestion === 0 || student.hosted !== undefined) return {};
    const solves = this.#solves("attempt", { provider: "base", model: "base" }, ASSUMED_OWN);
    this.#tellShare(`solved by ${student.base} itself`, solves);
    const size = plannedSize(this.#recipe, this.#facts);
    const isLaunched = isAskedByLauncher(this.#recipe, size);
    const name = `${student.base}, ${(isLaunched ? train.launcher?.type : undefined) ?? "here"}`;
    return { ownTries: { name, perQuestion, solves, ...(isLaunched && this.#triesByLauncher(size)) } };
  }

  /** What its GPUs take to start, and for each question more. */
  #triesByLauncher(size: StudentSize | undefined): Pick<NonNullable<ForecastFacts["ownTries"]>, "job"> {
    const many = 1000;
    const [none, some] = [0, many].map((questions) => forecastTries(this.#recipe, size, questions));
    if (none === undefined || some === undefined) return {};
    this.tell(paceFigure(some));
    const [start, all] = [takeOf(none), takeOf(some)];
    const each = {
      completionTokens: (all.completionTokens - start.completionTokens) / many,
      microUsd: (all.microUsd - start.microUsd) / many,
      seconds: (all.seconds - start.seconds) / many,
    };
    return { job: { ...this.job("attempt"), start, each } };
  }

  /** The teacher that is a program of this machine: free, and wrong as often as the recipe says. */
  builtin({ wrongRate, truncateRate, malformedRate, latencyMs }: BuiltinTeacher): AskedModel {
    const price = findPrice(BUILTIN_PROVIDER, BUILTIN_MODEL);
    const right = Math.max(0, 1 - wrongRate - truncateRate - malformedRate);
    this.#tellPrice("the built-in teacher", price);
    return {
      name: "the built-in teacher",
      prices: [price],
      prompt: { type: "assumed", median: 40, p90: 60 },
      completion: { type: "assumed", median: 150, p90: 250 },
      seconds: { type: "assumed", median: latencyMs / 1000, p90: latencyMs / 1000 },
      solves: { type: "assumed", mean: right, weight: 1e6 },
      samples: this.#recipe.trace.samplesPerQuestion,
      stopsWhenRight: this.#recipe.trace.stopWhenVerified,
      concurrency: this.#recipe.trace.concurrency,
      isBatch: false,
      bought: NOTHING_BOUGHT,
    };
  }

  /** Traces that are there already: free, and there at once. How many are right is not known. */
  recorded({ model }: RecordedTeacher): AskedModel {
    const hardly = { type: "assumed", median: 1, p90: 1 } as const; // not 0: lengths are drawn log-normal
    return {
      name: `${model}, recorded`,
      prices: [findPrice(BUILTIN_PROVIDER, BUILTIN_MODEL)],
      prompt: hardly,
      completion: hardly,
      seconds: { type: "assumed", median: 0.001, p90: 0.001 },
      solves: ASSUMED.teacher.solves,
      samples: this.#recipe.trace.samplesPerQuestion,
      stopsWhenRight: false,
      concurrency: 1,
      isBatch: false,
      bought: NOTHING_BOUGHT,
    };
  }

  /**
   * A model behind an endpoint.
   * @throws {AppError} `recipe-invalid`: its price is not known.
   */
  endpoint(endpoint: Endpoint, role: AskedRole): AskedModel {
    const { account, samples = 1, stopsWhenRight = false, called = endpoint.model } = role;
    const isBatch = endpoint.batch !== undefined;
    const price = endpointPrice(endpoint, { batch: isBatch, overrides: this.#facts.overrides ?? [] });
    const identity = { provider: endpointName(endpoint), model: endpoint.model };
    const { bought, replies } = this.#take(
      // A tuned model has a name only once it is trained: base and student of an evaluation go by their roles.
      (one) =>
        one.account === account &&
        one.provider === identity.provider &&
        (account === "evaluate" || one.model === identity.model),
      ({ outcome }) => outcome === "reply" || outcome === "truncated",
    );
    this.#tellPrice(called, price);
    this.#hold(endpoint, price, this.#pace(endpoint, account).concurrency);
    return {
      name: called,
      prices: this.#pricesOfTheDay(price),
      ...this.#lengths(endpoint, role, replies),
      solves: this.#solvesAndTells(role, identity, called),
      samples,
      stopsWhenRight,
      ...this.#pace(endpoint, account),
      isBatch,
      bought,
    };
  }

  /** A price that depends on the hour, by the hour. */
  #pricesOfTheDay(price: Price): [Price, ...Price[]] {
    if (price.schedule === undefined) return [price];
    const at = (hour: number): Price => priceAt(price, new Date(this.#facts.now.getTime() + hour * HOUR_MS));
    return [at(0), ...Array.from({ length: HOURS - 1 }, (_, i) => at(i + 1))];
  }

  #lengths(
    endpoint: Endpoint,
    { account, assumed, called = endpoint.model }: AskedRole,
    replies: readonly JournalPurchase[],
  ): Pick<AskedModel, "prompt" | "completion" | "seconds"> {
    const most = endpoint.maxTokens;
    const own = { median: Math.min(most, assumed.completion.median), p90: Math.min(most, assumed.completion.p90) };
    const measured = (pick: (one: JournalPurchase) => number | undefined, otherwise: Quantity): Quantity => {
      const values = replies.flatMap((one) => pick(one) ?? []);
      return values.length < FEWEST_MEASURED ? otherwise : { type: "measured", values };
    };
    const prompt = measured(({ usage }) => usage?.promptTokens, this.#promptTokens(account));
    const completion = measured(({ usage }) => usage?.completionTokens, { type: "assumed", ...own, most });
    const seconds = measured(
      ({ timing }) => (timing === null ? undefined : timing.totalMs / 1000),
      assumedSeconds(own),
    );
    this.#tellQuantity(`tokens of a reply of ${called}`, completion);
    if (endpoint.batch === undefined) this.#tellQuantity(`seconds of a reply of ${called}`, seconds);
    return { prompt, completion, seconds };
  }

  #questionTokens(): Quantity {
    const values = this.#facts.questions.tokens;
    return values.length === 0 ? ASSUMED_PROMPT : { type: "measured", values };
  }

  /** A question in its template, with the system prompt or what a judge is shown. */
  #promptTokens(account: AskedRole["account"]): Quantity {
    const system =
      account === "trace" ? Math.ceil(Buffer.byteLength(this.#recipe.trace.system ?? "") / BYTES_PER_TOKEN) : 0;
    const beside = TEMPLATE_TOKENS + system + (account === "judge" ? ASSUMED_JUDGED_TOKENS : 0);
    const tokens = this.#questionTokens();
    return tokens.type === "measured"
      ? { type: "measured", values: tokens.values.map((value) => value + beside) }
      : { ...tokens, median: tokens.median + beside, p90: tokens.p90 + beside };
  }

  #pace({ limits }: Endpoint, account: AskedRole["account"]) {
    const { requestsPerMinute, tokensPerMinute } = limits;
    const cap = account === "trace" ? this.#recipe.trace.concurrency : limits.concurrency;
    return {
      concurrency: Math.min(cap, limits.concurrency),
      ...(requestsPerMinute !== undefined && { requestsPerMinute }),
      ...(tokensPerMinute !== undefined && { tokensPerMinute }),
    };
  }

  #solvesAndTells(role: AskedRole, identity: { provider: string; model: string }, called: string): Share {
    if (role.account === "judge" || role.account === "evaluate") return role.assumed.solves;
    const solves = this.#solves(role.account, identity, role.assumed.solves);
    this.#tellShare(`questions ${called} solves`, solves);
    return solves;
  }

  #solves(account: "attempt" | "trace", identity: { provider: string; model: string }, otherwise: Share): Share {
    const [counted] = this.#facts.solved
      .filter((one) => one.account === account && one.provider === identity.provider && one.model === identity.model)
      .sort((a, b) => b.asked - a.asked);
    if (counted === undefined || counted.asked < FEWEST_MEASURED) return otherwise;
    return { type: "measured", passed: counted.solved, asked: counted.asked };
  }

  /** The purchases of one row, each counted in one row only. */
  #take(isOf: (one: JournalPurchase) => boolean, isUsable: (one: JournalPurchase) => boolean) {
    const own = this.#facts.purchases.filter((one) => isOf(one) && !this.#seen.has(one));
    for (const one of own) this.#seen.add(one);
    const replies = own.filter(isUsable);
    const sum = (pick: (one: JournalPurchase) => number): number => own.reduce((total, one) => total + pick(one), 0);
    const bought: Bought = {
      calls: replies.length,
      promptTokens: sum(({ usage }) => usage?.promptTokens ?? 0),
      completionTokens: sum(({ usage }) => usage?.completionTokens ?? 0),
      microUsd: sum(({ costMicroUsd }) => costMicroUsd),
    };
    return { bought, replies };
  }

  #hold({ maxTokens }: Endpoint, price: Price, concurrency: number): void {
    const tokens = this.#questionTokens();
    const longest = tokens.type === "measured" ? Math.max(...tokens.values) : tokens.p90;
    const worst = tokenCost(price, { promptTokens: Math.ceil(longest * BYTES_PER_TOKEN), completionTokens: maxTokens });
    this.#dearest = Math.max(this.#dearest, worst);
    this.#mostHeld = Math.max(this.#mostHeld, worst * concurrency);
  }

  #tellPrice(called: string, price: Price): void {
    const { asOf, source } = price;
    const isGiven = asOf === "as given";
    const knownBy = isGiven ? ({ type: "recipe" } as const) : ({ type: "published", asOf, source } as const);
    this.tell({ what: `price of ${called}`, value: describeRates(price), knownBy });
  }

  #tellQuantity(what: string, quantity: Quantity, isEstimated = false): void {
    if (quantity.type === "assumed") {
      const { median, p90 } = quantity;
      this.tell({
        what,
        value: `${count(median)} typical, ${count(p90)} at p90`,
        knownBy: { type: "assumed" },
      });
      return;
    }
    const sorted = [...quantity.values].sort((a, b) => a - b);
    const at = (share: number): string => count(quantile(sorted, share));
    this.tell({
      what,
      value: `${at(0.5)} typical, ${at(0.9)} at p90`,
      knownBy: { type: isEstimated ? "estimated" : "measured", n: sorted.length },
    });
  }

  #tellShare(what: string, share: Share): void {
    const value = share.type === "measured" ? share.passed / share.asked : share.mean;
    const knownBy =
      share.type === "measured" ? ({ type: "measured", n: share.asked } as const) : ({ type: "assumed" } as const);
    this.tell({ what, value: `${Math.round(100 * value)} %`, knownBy });
  }
}

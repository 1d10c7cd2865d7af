import { AppError } from "../../core/errors.ts";
import type { Hold, Ledger, Refusal, Settlement } from "../../ledger/ledger.ts";
import { formatUsd } from "../../ledger/money.ts";

/** For whom money is promised. */
export interface HoldRequest {
  /** Stage on whose account. */
  readonly account: string;
  readonly worstCaseMicroUsd: number;
  /** Whoever waits is let go when it aborts. */
  readonly signal: AbortSignal;
  /** Told when the request begins to wait, and when it no longer does. */
  readonly onWaiting: (isWaiting: boolean) => void;
}

interface Waiter extends HoldRequest {
  end(answer: Hold | Refusal | undefined): void;
}

const GATES = new WeakMap<Ledger, BudgetGate>();

/**
 * Lets requests wait for money while other requests' holds alone are in the way; first come first served, whichever
 * stage they come from: one gate for each ledger.
 */
export class BudgetGate {
  readonly #ledger: Ledger;
  /** Holds that were granted here and will end here. */
  #open = 0;
  #queue: Waiter[] = [];

  private constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  /** The gate of a ledger. */
  static of(ledger: Ledger): BudgetGate {
    let gate = GATES.get(ledger);
    if (gate === undefined) GATES.set(ledger, (gate = new BudgetGate(ledger)));
    return gate;
  }

  /** A hold on a worst case; a refusal when it cannot fit whatever becomes of other holds; undefined when aborted first. */
  async hold(request: HoldRequest): Promise<Hold | Refusal | undefined> {
    if (request.signal.aborted) return undefined;
    if (this.#queue.length === 0) {
      const answer = this.#ask(request);
      if (answer !== "wait") return answer;
    }
    request.onWaiting(true);
    return await new Promise((resolve) => {
      const onAbort = (): void => {
        this.#queue = this.#queue.filter((other) => other !== waiter);
        waiter.end(undefined);
        this.#wake();
      };
      const end = (answer: Hold | Refusal | undefined): void => {
        request.signal.removeEventListener("abort", onAbort);
        request.onWaiting(false);
        resolve(answer);
      };
      const waiter = { ...request, end };
      request.signal.addEventListener("abort", onAbort, { once: true });
      this.#queue.push(waiter);
    });
  }

  /** See {@link Ledger.settle}. */
  settle(hold: Hold, settlement: Settlement): void {
    this.#ledger.settle(hold, settlement);
    this.#end();
  }

  /** See {@link Ledger.forfeit}. */
  forfeit(hold: Hold): void {
    this.#ledger.forfeit(hold);
    this.#end();
  }

  /** See {@link Ledger.release}. */
  release(hold: Hold): void {
    this.#ledger.release(hold);
    this.#end();
  }

  #end(): void {
    this.#open -= 1;
    this.#wake();
  }

  /** Serves those at the head alone: what ends frees money for a few, and asking all of them would take n x n steps. */
  #wake(): void {
    for (let head = this.#queue[0]; head !== undefined; head = this.#queue[0]) {
      const answer = head.signal.aborted ? undefined : this.#ask(head);
      if (answer === "wait") return;
      this.#queue.shift();
      if (answer !== undefined) head.end(answer);
    }
  }

  #ask({ account, worstCaseMicroUsd }: HoldRequest): Hold | Refusal | "wait" {
    const answer = this.#ledger.hold(account, worstCaseMicroUsd);
    if (answer.granted) this.#open += 1;
    else if (answer.isWaitable && this.#open > 0) return "wait";
    return answer;
  }
}

/** The error of a request that the cap does not allow: what it can cost, what is left, and what to lower. */
export function overBudget(
  {
    microUsd,
    capMicroUsd,
    spentMicroUsd,
    heldMicroUsd,
  }: Pick<Refusal, "microUsd" | "capMicroUsd" | "spentMicroUsd" | "heldMicroUsd">,
  { lower, where = "", data = {} }: { readonly lower: string; readonly where?: string; readonly data?: object },
): AppError {
  const left = formatUsd(Math.max(0, capMicroUsd - spentMicroUsd - heldMicroUsd));
  const message = `the next request can cost ${formatUsd(microUsd)}${where}, and ${left} of ${formatUsd(capMicroUsd)} is left`;
  return new AppError("budget-exceeded", message, {
    hint: `raise maxUsd, or lower ${lower}, and run again: what is bought is kept`,
    data: { worstCaseMicroUsd: microUsd, capMicroUsd, spentMicroUsd, heldMicroUsd, ...data },
  });
}

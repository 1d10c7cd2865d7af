import { AppError } from "../../core/errors.ts";
import type { Hold, Ledger, Refusal, Settlement } from "../../ledger/ledger.ts";
import { formatUsd } from "../../ledger/money.ts";

/** Grants holds on one stage's account, and lets a request wait while other holds from here alone are in its way. */
export class BudgetGate {
  readonly #ledger: Ledger;
  readonly #stage: string;
  readonly #onWaiting: (waiting: number) => void;
  #open = 0;
  #waiting = 0;
  #wake: (() => void)[] = [];
  #closedBy: unknown;

  constructor(ledger: Ledger, stage: string, onWaiting: (waiting: number) => void) {
    this.#ledger = ledger;
    this.#stage = stage;
    this.#onWaiting = onWaiting;
  }

  /**
   * A hold on a worst case.
   * @throws {AppError} `budget-exceeded`: it cannot fit whatever becomes of the holds from here; or what `close` was given.
   */
  async hold(worstCaseMicroUsd: number): Promise<Hold> {
    for (;;) {
      if (this.#closedBy !== undefined) throw this.#closedBy;
      const answer = this.#ledger.hold(this.#stage, worstCaseMicroUsd);
      if (answer.granted) {
        this.#open += 1;
        return answer;
      }
      if (!answer.isWaitable || this.#open === 0) throw overBudget(answer);
      await this.#oneEnds();
    }
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

  /** From now on nobody is granted anything; those who wait are refused with `cause`. */
  close(cause: unknown): void {
    this.#closedBy = cause;
    this.#wakeAll();
  }

  async #oneEnds(): Promise<void> {
    this.#waiting += 1;
    this.#onWaiting(this.#waiting);
    await new Promise<void>((resolve) => this.#wake.push(resolve));
    this.#waiting -= 1;
    this.#onWaiting(this.#waiting);
  }

  #end(): void {
    this.#open -= 1;
    this.#wakeAll();
  }

  #wakeAll(): void {
    const wake = this.#wake;
    this.#wake = [];
    for (const resolve of wake) resolve();
  }
}

function overBudget({ microUsd, capMicroUsd, spentMicroUsd, heldMicroUsd }: Refusal): AppError {
  const left = formatUsd(Math.max(0, capMicroUsd - spentMicroUsd - heldMicroUsd));
  const message = `the next request can cost ${formatUsd(microUsd)}, and ${left} of ${formatUsd(capMicroUsd)} is left`;
  return new AppError("budget-exceeded", message, {
    hint: "raise maxUsd, or lower trace.teacher.maxTokens, and run again: what is bought is kept",
    data: { worstCaseMicroUsd: microUsd, capMicroUsd, spentMicroUsd, heldMicroUsd },
  });
}

/** @file What a server counts of itself, as Prometheus reads it (text format 0.0.4). No prompt and no key is in it. */
import type { BatchLoad } from "../decode/continuous-batch.ts";
import type { ReplyEnd } from "./choice-teller.ts";

/** Upper bounds of the histograms' buckets, seconds. */
const BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300] as const;

/** Counts one kind of duration. */
class Histogram {
  readonly #counts = BUCKETS.map(() => 0);
  #sum = 0;
  #count = 0;

  observe(seconds: number): void {
    this.#sum += seconds;
    this.#count += 1;
    BUCKETS.forEach((bound, place) => {
      if (seconds <= bound) this.#counts[place] = (this.#counts[place] ?? 0) + 1;
    });
  }

  lines(name: string, help: string): string[] {
    return [
      `# HELP ${name} ${help}`,
      `# TYPE ${name} histogram`,
      ...BUCKETS.map((bound, place) => `${name}_bucket{le="${bound}"} ${this.#counts[place]}`),
      `${name}_bucket{le="+Inf"} ${this.#count}`,
      `${name}_sum ${this.#sum}`,
      `${name}_count ${this.#count}`,
    ];
  }
}

/** Counters of a server since its start. */
export class Metrics {
  readonly #requests = new Map<string, number>();
  readonly #firstPiece = new Histogram();
  readonly #whole = new Histogram();
  #promptTokens = 0;
  #completionTokens = 0;
  #thinkingTokens = 0;
  #forcedTokens = 0;
  #reusedTokens = 0;
  #givenUp = 0;

  /** A request was answered; `route` is one of the server's own, never what a client wrote. */
  request(route: string, status: number): void {
    const labels = `route="${route}",status="${status}"`;
    this.#requests.set(labels, (this.#requests.get(labels) ?? 0) + 1);
  }

  prompt(tokens: number): void {
    this.#promptTokens += tokens;
  }

  firstPiece(seconds: number): void {
    this.#firstPiece.observe(seconds);
  }

  whole(seconds: number): void {
    this.#whole.observe(seconds);
  }

  end({ completionTokens, thinkingTokens, forcedTokens, reusedTokens = 0 }: ReplyEnd): void {
    this.#reusedTokens += reusedTokens;
    this.#completionTokens += completionTokens;
    this.#thinkingTokens += thinkingTokens;
    this.#forcedTokens += forcedTokens;
  }

  /** A client left before its reply was whole. */
  givenUp(): void {
    this.#givenUp += 1;
  }

  /** All of it as text. */
  text({ active, waiting }: BatchLoad): string {
    const single = (name: string, type: "counter" | "gauge", help: string, value: number): string[] => [
      `# HELP ${name} ${help}`,
      `# TYPE ${name} ${type}`,
      `${name} ${value}`,
    ];
    const requests = [...this.#requests].map(([labels, count]) => `grappa_requests_total{${labels}} ${count}`);
    return [
      "# HELP grappa_requests_total Answered requests.",
      "# TYPE grappa_requests_total counter",
      ...requests,
      ...single("grappa_prompt_tokens_total", "counter", "Ids of prompts.", this.#promptTokens),
      ...single(
        "grappa_reused_tokens_total",
        "counter",
        "Ids of prompts that were not computed again, each choice's.",
        this.#reusedTokens,
      ),
      ...single("grappa_completion_tokens_total", "counter", "Ids of whole replies.", this.#completionTokens),
      ...single("grappa_thinking_tokens_total", "counter", "Of these, thinking.", this.#thinkingTokens),
      ...single("grappa_forced_tokens_total", "counter", "Of these, written by the budget.", this.#forcedTokens),
      ...single("grappa_given_up_total", "counter", "Replies whose client left.", this.#givenUp),
      ...single("grappa_active_replies", "gauge", "Replies being decoded.", active),
      ...single("grappa_waiting_replies", "gauge", "Replies waiting for a slot.", waiting),
      ...this.#firstPiece.lines("grappa_first_text_seconds", "From the request to its first text."),
      ...this.#whole.lines("grappa_reply_seconds", "From the request to the end of its reply."),
      "",
    ].join("\n");
  }
}

/** @file The x-ray of a student that a provider trains, on a terminal: the chats that are sent, and what nobody here can verify. */
import { count, counted } from "../report/number-format.ts";
import type { HostedXrayRow } from "../pipeline/open-hosted-xray.ts";
import { describeGate, type GateResult, gateTally } from "../tokenize/gate-report.ts";
import { printable } from "./printable.ts";

/** All chats in figures; tokens are the teacher's count. */
export interface HostedXraySummary {
  readonly rows: number;
  readonly estimatedTokens: number;
  readonly estimatedThinkingTokens: number;
  readonly shortest: number;
  readonly median: number;
  readonly longest: number;
  /** Chats whose thinking goes in a field of its own; in the others it stands in the text, between `<think>` and `</think>`. */
  readonly withReasoningField: number;
  readonly gates: readonly GateResult[];
}

/** What is said around the figures. */
export interface HostedXrayFacts {
  /** As it is typed. */
  readonly run: string;
  readonly provider: string;
  readonly base: string;
  readonly maxLength: number;
}

/** Sums chats up. */
export async function summarizeHosted(rows: AsyncIterable<HostedXrayRow>): Promise<HostedXraySummary> {
  const gates = gateTally();
  const lengths: number[] = [];
  let [thinking, fields] = [0, 0];
  for await (const { traceId, estimatedTokens, estimatedThinkingTokens, messages, faults } of rows) {
    gates.add(traceId, faults);
    lengths.push(estimatedTokens);
    thinking += estimatedThinkingTokens;
    if (messages.some(({ reasoning_content }) => reasoning_content !== undefined)) fields += 1;
  }
  lengths.sort((a, b) => a - b);
  return {
    rows: lengths.length,
    estimatedTokens: lengths.reduce((sum, length) => sum + length, 0),
    estimatedThinkingTokens: thinking,
    shortest: lengths[0] ?? 0,
    median: lengths[lengths.length >> 1] ?? 0,
    longest: lengths.at(-1) ?? 0,
    withReasoningField: fields,
    gates: gates.results(),
  };
}

/** What the provider does with a chat, and that it is not verified. */
export function unverified({ provider, base }: Pick<HostedXrayFacts, "provider" | "base">): string[] {
  return [
    `template and mask: NOT VERIFIED. ${provider}'s own template for ${base} writes the turns, and its own rule masks them;`,
    "loss on the assistant's messages alone was asked for (train_on_inputs: false). No tokens are here to be looked at.",
  ];
}

/** All chats in figures, with the gates that need no tokenizer. */
export function describeHostedXray(facts: HostedXrayFacts, summary: HostedXraySummary): string[] {
  const { rows, estimatedTokens, shortest, median, longest, gates } = summary;
  return [
    `${facts.run}: ${counted(rows, "chat")}, about ${count(estimatedTokens)} tokens as the teacher counted them`,
    `tokens a chat, estimated: ${count(shortest)} to ${count(longest)}, median ${count(median)}; at most ${count(facts.maxLength)} allowed`,
    `thinking: ${thinkingPlace(summary)}`,
    ...unverified(facts),
    ...(gates.length === 0
      ? ["gates: those that need no tokenizer passed in every chat"]
      : ["gates that failed:", ...gates.map((gate) => `  ${printable(describeGate(gate))}`)]),
    `one chat: grappa xray ${facts.run} ID`,
  ];
}

function thinkingPlace({ rows, estimatedThinkingTokens, withReasoningField }: HostedXraySummary): string {
  if (estimatedThinkingTokens === 0) return "none is trained";
  const tokens = `about ${count(estimatedThinkingTokens)} tokens, `;
  if (withReasoningField === rows)
    return `${tokens}in the field reasoning_content, which the template writes as it does`;
  if (withReasoningField === 0) return `${tokens}in the text, between <think> and </think>`;
  return `${tokens}in the field reasoning_content in ${count(withReasoningField)} chats, in the text of the others`;
}

/** One chat, as it is sent. */
export function describeChat(row: HostedXrayRow, facts: Pick<HostedXrayFacts, "provider" | "base">): string[] {
  return [
    `question ${row.questionId}, trace ${row.traceId}`,
    `about ${count(row.estimatedTokens)} tokens, ${count(row.estimatedThinkingTokens)} of thinking`,
    ...row.faults.map(({ reason, detail }) => printable(`fails ${reason}: ${detail}`)),
    ...unverified(facts),
    ...row.messages.flatMap(({ role, content, reasoning_content: reasoning }) => [
      ...(reasoning === undefined ? [] : [`-- ${role}, reasoning_content`, printable(reasoning)]),
      `-- ${role}`,
      printable(content),
    ]),
  ];
}

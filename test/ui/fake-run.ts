/** @file A run's folder as grappa writes it, made by hand: small, and as wrong as a test wants it. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { RunEventLine } from "../../src/schema/manifest.ts";

const KEY = "0123456789abcdef";

/** A line of events.jsonl. */
export type FakeEvent = Omit<RunEventLine, "schemaVersion">;

/** A moment of the day on which fake runs run. */
export const at = (time: string): string => `2026-11-29T${time}Z`;

/** Events of a run that has collected, and is at step 30 of 100 of its training. */
export const TRAINING_EVENTS: readonly FakeEvent[] = [
  { at: at("10:00:00"), type: "run-start", note: "a-run" },
  { at: at("10:00:00"), type: "stage-start", stage: "collect", key: KEY, note: "" },
  { at: at("10:00:10"), type: "stage-end", stage: "collect", key: KEY, note: "10 kept, 0 dropped" },
  { at: at("10:00:10"), type: "stage-start", stage: "train", key: KEY, note: "" },
  { at: at("10:00:20"), type: "stage-progress", stage: "train", done: 10, total: 100, unit: "steps" },
  { at: at("10:00:30"), type: "warning", stage: "train", note: "the loss jumps" },
  { at: at("10:00:40"), type: "stage-progress", stage: "train", done: 30, total: 100, unit: "steps", note: "loss 0.5" },
];

/** Writes the run's header and events, with a lock of this process where it is to be running. */
export function writeFakeRun(
  folder: string,
  {
    events = TRAINING_EVENTS,
    isRunning = false,
  }: { readonly events?: readonly FakeEvent[]; readonly isRunning?: boolean } = {},
): void {
  mkdirSync(folder, { recursive: true });
  const header = { schemaVersion: 1, run: "a-run", createdBy: "0.1.0", command: "grappa run x" };
  writeFileSync(join(folder, "run.json"), JSON.stringify(header));
  writeFileSync(join(folder, "events.jsonl"), eventLines(events));
  if (isRunning) writeFileSync(join(folder, "lock.json"), JSON.stringify({ pid: 99, host: "here", birth: "" }));
}

/** Lines of events.jsonl. */
export function eventLines(events: readonly FakeEvent[]): string {
  return events.map((event) => `${JSON.stringify({ schemaVersion: 1, ...event })}\n`).join("");
}

/** Adds a paid, an open and a free purchase to the run's journal: 2,000 micro-dollars settled, 5,000 held. */
export function writeFakeJournal(folder: string): void {
  const origin = { account: "trace", provider: "acme", model: "teacher-1" };
  const intent = (key: string, worstCaseMicroUsd: number) => ({
    schemaVersion: 1,
    type: "intent",
    key,
    worstCaseMicroUsd,
    ...origin,
    questionId: "00000000000000aa",
    purchase: 0,
  });
  const lines = [
    intent("00000000000000a1", 4000),
    { schemaVersion: 1, type: "reconciled", key: "00000000000000a1", purchase: 0, costMicroUsd: 2000 },
    intent("00000000000000a2", 5000),
  ];
  mkdirSync(join(folder, "journal"), { recursive: true });
  writeFileSync(join(folder, "journal", "requests.jsonl"), lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
}

/**
 * @file What the page of `grappa ui` asks its server for: every address below `/api` with the type of its answer. The server
 * (src/server/page) and the page (src/ui) are both checked against it. Answers are plain JSON; numbers that are not known are
 * null, and texts are raw: whoever shows them escapes them.
 */
import type { CurationView, DroppedExamples } from "./curation-view.ts";
import type { AnswerList, AnswerView } from "./answer-view.ts";
import type { ChatFacts } from "./chat-api.ts";
import type { CompareView } from "./compare-view.ts";
import type { EvaluationView } from "./evaluation-view.ts";
import type { FunnelView } from "./funnel-view.ts";
import type { MoneyView } from "./money-view.ts";
import type { RunList } from "./run-list.ts";
import type { RunOverview } from "./run-overview.ts";
import type { ThinkingFound, TraceDetail, TracePage, TraceRow } from "./trace-list.ts";
import type { TraceXray } from "./trace-xray.ts";
import type { TriageChange } from "../../schema/triage.ts";
import type { TrainingCurve } from "./training-curve.ts";

/** Addresses that are read by GET; `:run` stands for the name of a run's folder. */
export interface PageApi {
  "/runs": RunList;
  "/runs/:run": RunOverview;
  "/runs/:run/funnel": FunnelView;
  "/runs/:run/training": TrainingCurve;
  "/runs/:run/evaluation": EvaluationView;
  "/runs/:run/answers": AnswerList;
  "/runs/:run/answer": AnswerView;
  "/runs/:run/compare": CompareView;
  "/runs/:run/chat": ChatFacts;
  "/runs/:run/money": MoneyView;
  "/runs/:run/curation": CurationView;
  "/runs/:run/dropped": DroppedExamples;
  "/runs/:run/traces": TracePage;
  "/runs/:run/trace": TraceDetail;
  "/runs/:run/xray": TraceXray;
}

/** Addresses that go on answering: server-sent events, each the whole new value of the type. */
export interface PageStreams {
  "/runs/:run/live": RunOverview;
}

/** Addresses that stream parts: each event is what came since the last one, and the end of the stream is the end. */
export interface PageParts {
  "/runs/:run/thinking-search": ThinkingFound;
}

/** The process of a run that was interrupted, or started. */
export interface ControlledRun {
  readonly pid: number;
}

/** Addresses that take JSON by POST, and write: what is sent, and what is answered. */
export interface PageWrites {
  "/runs/:run/pause": { readonly sent: Readonly<Record<string, never>>; readonly answer: ControlledRun };
  "/runs/:run/resume": { readonly sent: Readonly<Record<string, never>>; readonly answer: ControlledRun };
  "/runs/:run/triage": { readonly sent: TriageChange; readonly answer: Pick<TraceRow, "id" | "decision" | "hasNote"> };
}

/** An address of the API. */
export type PageRoute = keyof PageApi;

/** An address of one run. */
export type RunRoute = Extract<PageRoute, `/runs/:run${string}`>;

/** What stands behind the `?` of an address: names and values, unchecked. */
export type PageQuery = Readonly<Record<string, string>>;

/** An address that streams. */
export type StreamRoute = keyof PageStreams;

/** What stands where an answer should be, with a status that is not 200. */
export interface PageFault {
  /** Such as "file-missing". */
  readonly code: string;
  readonly message: string;
  readonly hint: string | null;
}

/** The address of a route below `/api`: names and values are escaped. */
export function pagePath(
  route: PageRoute | StreamRoute | keyof PageParts | keyof PageWrites,
  run: string | null,
  query: PageQuery = {},
): string {
  const path = route.replace(":run", encodeURIComponent(run ?? ""));
  const values = new URLSearchParams(query).toString();
  return values === "" ? path : `${path}?${values}`;
}

/** @file The views there are, in the order of the navigation. A new one is a line here and a file in views/. */
import type { ComponentType } from "preact";
import type { Place } from "./route.ts";
import { ChatPage } from "./views/chat.tsx";
import { ComparePage } from "./views/compare.tsx";
import { FunnelPage } from "./views/funnel.tsx";
import { MoneyPage } from "./views/money.tsx";
import { OverviewPage } from "./views/overview.tsx";
import { RunsPage } from "./views/runs.tsx";
import { ThinkingPage } from "./views/thinking.tsx";
import { TracesPage } from "./views/traces.tsx";
import { TrainingPage } from "./views/training.tsx";

/** What a view is given. */
export interface ViewProps {
  readonly place: Place;
}

/** What a view of one run is given. */
export interface RunViewProps extends ViewProps {
  readonly run: string;
}

/** A view in the navigation: `g` and its key lead there. */
export interface View<Props> {
  /** As it stands in the address. */
  readonly name: string;
  readonly label: string;
  readonly key: string;
  readonly component: ComponentType<Props>;
}

/** Views of all runs. */
export const VIEWS: readonly View<ViewProps>[] = [{ name: "runs", label: "Runs", key: "r", component: RunsPage }];

/** Views of one run. */
export const RUN_VIEWS: readonly View<RunViewProps>[] = [
  { name: "overview", label: "Overview", key: "o", component: OverviewPage },
  { name: "funnel", label: "Funnel", key: "f", component: FunnelPage },
  { name: "traces", label: "Traces", key: "a", component: TracesPage },
  { name: "training", label: "Training", key: "t", component: TrainingPage },
  { name: "thinking", label: "Thinking", key: "h", component: ThinkingPage },
  { name: "compare", label: "Compare", key: "c", component: ComparePage },
  { name: "money", label: "Money", key: "m", component: MoneyPage },
  { name: "chat", label: "Chat", key: "s", component: ChatPage },
];

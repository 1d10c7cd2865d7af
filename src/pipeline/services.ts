/** @file What the command line asks of the wiring; tests stand in for it. */
import type { FileSystem } from "../adapters/file-system.ts";
import type { GgufPlace } from "../adapters/runtimes/open-gguf.ts";
import type { EvaluatedModel } from "../evaluate/evaluated-model.ts";
import type { LoadedTask } from "../evaluate/tasks/task.ts";
import type { CodeRunner } from "../grade/code/code-runner.ts";
import type { PriceOverride } from "../ledger/price-override.ts";
import type { RunFact } from "../schema/manifest.ts";
import type { Recipe } from "../schema/recipe.ts";
import type { RunSummary } from "../schema/result.ts";
import type { OpenModelOptions } from "./evaluation/open-model.ts";
import type { LoadTaskOptions } from "./load-task.ts";
import type { HubAccess } from "./open-data.ts";
import type { Stage } from "./stage.ts";

/** What to open a run with. */
export interface OpenServicesOptions {
  readonly recipe: Recipe;
  readonly baseFolder: string;
  readonly threads: number;
  readonly fs: FileSystem;
  /** The value of an environment variable that the recipe names, for a teacher's key. */
  readonly secrets: (name: string) => string | undefined;
  /** Folder that the recipe's files are seen from. */
  readonly recipeFolder: string;
  /** Folder of the run: its stages are given the recipe as seen from there (`recipeSeenFrom`), key files too. */
  readonly runFolder: string;
  /** Prices from the command line. */
  readonly prices?: readonly PriceOverride[];
  /** Providers whose terms were accepted. */
  readonly acceptedTerms?: readonly string[];
  /** Folder that outlives runs, for what launchers prepare. */
  readonly cacheFolder?: string;
  /** How to reach the Hugging Face Hub, for sources that are there. */
  readonly hub?: HubAccess;
}

/** Stages ready to run, and what they run on. */
export interface RunServices {
  readonly stages: readonly Stage[];
  readonly facts: Partial<Record<RunFact, string>>;
  /** What the user should know about this machine, for example that there are no threads. */
  readonly notes: readonly string[];
  close(): Promise<void>;
}

/** Where a run's results are. */
export interface RenderOptions {
  readonly fs: FileSystem;
  readonly folder: string;
}

/** What rendering wrote. */
export interface RenderedReport {
  readonly summary: RunSummary;
  /** The result for a terminal. */
  readonly lines: readonly string[];
  /** Path of the page. */
  readonly html: string;
}

/** How long a reply may think. */
export interface ChatSetting {
  /** Hard cap on thinking tokens; undefined lets it end by itself. */
  readonly budgetTokens: number | undefined;
  readonly waits: number;
}

/** A student's reply. */
export interface ChatReply {
  readonly thinking: string;
  readonly answer: string;
  readonly thinkingTokens: number;
  readonly answerTokens: number;
  /** Ids that the budget wrote: headings, "Wait", the words that open a forced answer. */
  readonly forcedTokens: number;
  readonly end: "natural" | "cut" | "direct";
}

/** A piece of a reply under way. */
export interface ChatPiece {
  readonly part: "thinking" | "answer";
  readonly text: string;
  /** Whether the budget wrote it, not the model. */
  readonly isForced: boolean;
}

/** Who watches a reply, and until when. */
export interface ChatWatch {
  readonly signal: AbortSignal;
  readonly onPiece?: (piece: ChatPiece) => void;
}

/** An open conversation. Each prompt stands alone: the student was trained on single questions. */
export interface ChatSession {
  readonly model: string;
  /** Most thinking tokens that the context has room for. */
  readonly maxThinkingTokens: number;
  /** A question of the kind that the student learned, held out from its training; undefined when the run tells none. */
  readonly example: string | undefined;
  reply(prompt: string, setting: ChatSetting, watch: ChatWatch): Promise<ChatReply>;
  close(): Promise<void>;
}

/** What to open a conversation with. */
export interface OpenChatOptions {
  readonly fs: FileSystem;
  /** The student's folder, and what it is called. */
  readonly folder: string;
  readonly name: string;
  /** The run that trained it, where it is known: it tells a question of the kind that it learned. */
  readonly runFolder?: string | undefined;
  readonly threads: number;
  /** Where `folder` is a GGUF's path. */
  readonly gguf?: GgufPlace | undefined;
}

/** Which sandboxes may run generated code. */
export interface OpenSandboxOptions {
  /** Takes one that leaves something open, for example the network. */
  readonly allowPartial: boolean;
  /** Runs the code without any. */
  readonly unsafeLocal: boolean;
  readonly signal: AbortSignal;
}

/** The wiring behind the commands. */
export interface CliServices {
  openRun(options: OpenServicesOptions): Promise<RunServices>;
  /** Writes report.html, report.md and result.json of a complete run. */
  renderReport(options: RenderOptions): Promise<RenderedReport>;
  /** Talks to a run's student; throws "file-missing" while the run has none. */
  openChat(options: OpenChatOptions): Promise<ChatSession>;
  loadTask(options: LoadTaskOptions): Promise<LoadedTask>;
  /** Opens a model to evaluate. */
  openModel(options: OpenModelOptions): Promise<EvaluatedModel>;
  /** The best sandbox that works here; throws where none that is allowed does. */
  openSandbox(options: OpenSandboxOptions): Promise<CodeRunner>;
}

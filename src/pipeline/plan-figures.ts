/** @file What a plan is made from, and the figures it shows. Plain data. */
import type { JournalPurchase } from "../adapters/journal/journal-pass.ts";
import type { PriceOverride } from "../ledger/price-override.ts";
import type { StageName } from "../schema/manifest.ts";
import type { StudentConfig } from "../student/checkpoint/student-config.ts";

/** What is known of the questions that a run would start from. */
export interface QuestionFacts {
  readonly count: number;
  /** Tokens of their texts, of some of them. Empty: none was there to be counted. */
  readonly tokens: readonly number[];
  /** How the tokens were counted: "the student's tokenizer", "bytes / 3". */
  readonly countedBy: string;
  /** Whether that is a rule of thumb. */
  readonly isEstimated: boolean;
  /** Share of them that no rule can grade: they have no reference answer, or one that only a judge can read. */
  readonly unruledShare: number;
  /** Share of them whose reference only a judge can read. */
  readonly judgedShare: number;
  /** Share of the others whose grade a judge may overrule: all but those of a family, which has a verifier. */
  readonly doubtedShare: number;
  /** Where count and texts are from: "collected", "the recipe", a file's name. */
  readonly from: string;
}

/** How often a model was right, by an earlier run's or a pilot's grades. */
export interface SolvedCount {
  readonly account: "attempt" | "trace";
  /** The endpoint's name; "base" for the base on this machine. */
  readonly provider: string;
  readonly model: string;
  /** Questions put to it, and those of them it solved. */
  readonly asked: number;
  readonly solved: number;
}

/** Everything a plan is made from beside the recipe. */
export interface PlanFacts {
  /** The moment it is made: prices may depend on it. */
  readonly now: Date;
  readonly questions: QuestionFacts;
  /** The run's journal so far. */
  readonly purchases: readonly JournalPurchase[];
  readonly solved: readonly SolvedCount[];
  /** Stages as the run would go on with them; a key where it is known already. */
  readonly stages?: readonly {
    readonly stage: StageName;
    readonly key: string | undefined;
    readonly isDone: boolean;
  }[];
  readonly overrides?: readonly PriceOverride[];
  /** Of the base student, by its configuration or else its name; undefined where neither tells. */
  readonly studentParameters?: number | undefined;
  /** Its shape, where its configuration is here. */
  readonly studentShape?:
    | { readonly parameters: number; readonly config: StudentConfig; readonly isBf16: boolean }
    | undefined;
  /** The run's examples, once they are tokenised; tokens of one epoch. */
  readonly examples?:
    | { readonly tokens: number; readonly meanTokens: number; readonly longestTokens: number }
    | undefined;
}

/** A figure the plan rests on, and how it is known. */
export interface PlanFigure {
  readonly what: string;
  readonly value: string;
  readonly knownBy:
    | { readonly type: "measured"; readonly n: number }
    /** Worked out from something measured, such as tokens from bytes. */
    | { readonly type: "estimated"; readonly n: number }
    | { readonly type: "assumed" }
    | { readonly type: "recipe" }
    | { readonly type: "published"; readonly asOf: string; readonly source: string };
}

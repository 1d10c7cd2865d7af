/**
 * @file A trained student's card: what it was made from and how, what it scored beside its base, what it cost, under whose
 * terms, how to use it, and what is not known. For people, and in its header for the hub.
 */
import type { Curation } from "../schema/curation.ts";
import type { Recipe } from "../schema/recipe.ts";
import type { Score, SourceReading } from "../schema/records.ts";
import { learningRateOf } from "../schema/training-fields.ts";
import type { CardTerms } from "./dataset-card.ts";
import { markdownCell as cell, markdownTable as table } from "./markdown-text.ts";
import { count, dollars, parameterCount, percent, percentInterval } from "./number-format.ts";
import { oneLine } from "./plain-text.ts";
import type { RunResults } from "./run-results.ts";
import { modelAndSetting, totals } from "./settings.ts";
import { exampleCount } from "./view/headline.ts";
import { costOf } from "./view/cost.ts";
import { knownLimits, teacherHonesty } from "./view/honesty.ts";

/** What is known of the run that trained the student. */
export interface CardRun {
  readonly run: string;
  readonly recipe: Recipe;
  /** Null while the run is not finished. */
  readonly results: RunResults | null;
  readonly sources: readonly SourceReading[];
  /** Null where nothing was checked. */
  readonly decontamination: Curation["decontamination"];
  readonly terms: readonly CardTerms[];
}

/** What the card is made from. */
export interface ModelCard {
  readonly title: string;
  readonly grappa: string;
  readonly base: {
    readonly name: string;
    /** `owner/name` on the hub, where it is there. */
    readonly hubId: string | null;
    /** As the base's own card says; null where it says nothing. */
    readonly licence: string | null;
  };
  /** Null for a model that no run of ours trained. */
  readonly run: CardRun | null;
  readonly style: "s1" | "think";
  readonly contextTokens: number;
  /** How the weights were written: `bf16`, or `as trained`. */
  readonly weights: string;
  /** Whether an adapter was merged. */
  readonly isMerged: boolean;
  /** Whether weights for transformers are in the folder. */
  readonly hasSafetensors: boolean;
  /** GGUF files of the folder, by name. */
  readonly gguf: readonly string[];
  /** Where transformers finds it: `owner/name`, or null for a folder. */
  readonly repo: string | null;
}

/** The card as Markdown, with the hub's header. Nothing in it that others wrote is markup. */
export function modelCard(card: ModelCard): string {
  return [
    header(card),
    `# ${cell(card.title)}\n`,
    introduction(card),
    ...(card.run === null ? [unknownRun()] : runSections(card.run)),
    licences(card),
    usage(card),
    limits(card),
  ].join("\n");
}

/** A YAML scalar that is nothing but text. */
const yaml = (text: string): string => JSON.stringify(text.slice(0, 300));

function header({ base, run, isMerged, hasSafetensors, gguf }: ModelCard): string {
  const datasets = [
    ...new Set((run?.sources ?? []).flatMap(({ data }) => data.flatMap(({ source }) => hubSet(source)))),
  ];
  return [
    "---",
    `library_name: ${hasSafetensors ? "transformers" : "gguf"}`,
    "pipeline_tag: text-generation",
    ...(base.hubId === null ? [] : [`base_model: ${yaml(base.hubId)}`, "base_model_relation: finetune"]),
    `license: ${base.licence === null ? "other" : yaml(base.licence)}`,
    ...(datasets.length === 0 ? [] : ["datasets:", ...datasets.map((name) => `- ${yaml(name)}`)]),
    "tags:",
    ...[
      "grappa",
      "reasoning",
      "distillation",
      "test-time-scaling",
      ...(isMerged ? ["lora-merged"] : []),
      ...(gguf.length > 0 ? ["gguf"] : []),
    ].map((tag) => `- ${tag}`),
    "---\n",
  ].join("\n");
}

/** `owner/name` of `hf:owner/name@commit:part`. */
function hubSet(source: string): string[] {
  const [, name] = /^hf:([A-Za-z0-9][\w.-]*\/[A-Za-z0-9][\w.-]*)@/.exec(source) ?? [];
  return name === undefined ? [] : [name];
}

function introduction({ base, run, grappa, style, contextTokens, weights, isMerged }: ModelCard): string {
  const parameters = run?.results?.student.parameters;
  const size = parameters === undefined ? "" : ` of ${parameterCount(parameters)} parameters`;
  const form =
    style === "s1"
      ? "`<|im_start|>think`, the reasoning, `<|im_start|>answer`, the answer (s1's form)"
      : "`<think>`, the reasoning, `</think>`, the answer";
  return `A student${size} that reasons before it answers, distilled with Grappa ${cell(grappa)}${run === null ? "" : ` in the run \`${oneLine(run.run).replaceAll("`", "")}\``}.
Base: ${cell(base.name)}. An assistant's turn is ${form}. Context: ${count(contextTokens)} tokens. Weights: ${cell(weights)}${isMerged ? ", a LoRA adapter merged into the base" : ""}.
`;
}

function unknownRun(): string {
  return "## Data, recipe, scores\n\nNo run of Grappa is known for it: what it was trained on, and what it scores, is not said here.\n";
}

function runSections(run: CardRun): string[] {
  return [data(run), recipe(run), scores(run), cost(run)];
}

function data({ recipe: { collect, select }, results, sources, decontamination }: CardRun): string {
  const examples = results === null ? `up to ${count(select.count)}` : count(exampleCount(results));
  const families = collect.sources.flatMap((source) => (source.type === "family" ? [source.family] : []));
  const rows = [
    ...sources.map(({ name, licence, questions, data: read }) => [
      name,
      licence ?? "not noted",
      read.map(({ source }) => source).join("; "),
      count(questions),
    ]),
    ...[...new Set(families)].map((family) => [`family ${family}`, "made by Grappa", "–", "–"]),
  ];
  return `## Data

${examples} questions with a teacher's reasoning and answer, chosen by \`${cell(select.method)}\`. Terms are the recipe's notes, not checked by Grappa.

${table(["source", "licence", "read", "questions"], rows)}

${contamination(decontamination)}
`;
}

function contamination(found: CardRun["decontamination"]): string {
  if (found === null)
    return "Contamination: not checked. Questions of benchmarks may be among those that it was trained on.";
  const rows = [
    ...found.checked.map(({ task, questions }) => [task, `checked, ${count(questions)} questions`]),
    ...found.notChecked.map(({ task, reason }) => [task, `NOT checked: ${reason}`]),
  ];
  return `Contamination: what shares ${found.ngram} words in a row with a benchmark's question was dropped before training.

${table(["benchmark", ""], rows)}`;
}

function recipe({ recipe: whole, results }: CardRun): string {
  const { train, student, seed } = whole;
  const method = student.hosted?.method ?? train.method;
  const rows = [
    ["method", method === "full" ? "full fine-tune" : `${method}, rank ${train.lora.rank}, alpha ${train.lora.alpha}`],
    ["where", student.hosted?.type ?? train.launcher?.type ?? "Grappa's embedded engine"],
    ["epochs", count(train.epochs)],
    ["examples a step", count(train.batchSize)],
    [
      "learning rate",
      `${learningRateOf(train, student.hosted)}, ${percent(train.warmupShare, 0)} warm-up, cosine to 0`,
    ],
    [
      "AdamW",
      `${train.beta1}/${train.beta2}, weight decay ${train.weightDecay}, gradient norm at most ${train.maxGradientNorm}`,
    ],
    ["loss", `mean by ${train.lossReduction}, on the assistant's turn alone`],
    ["seed", String(seed)],
  ];
  return `## Recipe

${table(["", ""], rows)}

${cell(teacherHonesty(whole, results?.provenance))}
`;
}

function scores({ results }: CardRun): string {
  const all = results === null ? [] : [...totals(results, "base"), ...totals(results, "student")];
  if (results === null || all.length === 0)
    return "## Scores\n\nNot measured: the run that trained it was not evaluated when this card was written.\n";
  const rows = all.map((score) => scoreRow(score, results.naturalBudgetTokens));
  return `## Scores

Measured on held-out questions, base and student on the same ones. 95 % intervals: ${cell(results.intervalMethod)}.
The thinking budget of a row is its cut and its forced Waits.

${table(["model and thinking budget", "right", "95 % interval", "n", "thinking tokens"], rows)}

${cell(results.verdict.sentence)}
`;
}

function scoreRow({ model, setting, accuracy, interval, n, thinkingTokens }: Score, natural: number): string[] {
  const label = modelAndSetting({ model, setting }, natural);
  return [label, percent(accuracy), percentInterval(interval), count(n), count(thinkingTokens)];
}

function cost({ results }: CardRun): string {
  if (results === null) return "## Cost\n\nNot known: the run was not finished when this card was written.\n";
  const rows = results.ledger.map(({ stage, costUsd, costBasis }) => [stage, dollars(costUsd), costBasis]);
  return `## Cost

${cell(costOf(results).sentence)}

${table(["stage", "dollars", "basis"], rows)}
`;
}

function licences({ base, run }: ModelCard): string {
  const lines = (run?.terms ?? []).map(
    ({ title, mayTrain, clause, source, textOf, isAccepted }) =>
      `- ${cell(title)}: may a model be trained on its replies? ${mayTrain}. ${cell(clause)}${source === null ? "" : ` (${cell(source)}${textOf === null ? "" : `, text of ${textOf}`})`}${isAccepted ? " Accepted by whoever made the run." : ""}`,
  );
  return `## Licences and terms

- Base ${cell(base.name)}: ${base.licence === null ? "its licence was not found; find it before you publish" : `${cell(base.licence)}, as its own card says`}.
${lines.join("\n")}${lines.length === 0 ? "" : "\n"}
Not legal advice: read licences and terms as they are now.
`;
}

function usage({ repo, gguf, run, style, hasSafetensors }: ModelCard): string {
  const budgets = run === null ? "" : `, \`grappa chat ${shellName(run.run)}\` with \`/budget 512\``;
  return [
    "## Use\n",
    ...(hasSafetensors ? [transformersSnippet(repo ?? ".", style)] : []),
    ...gguf.slice(0, 1).map(
      (
        name,
      ) => `With llama.cpp, thinking to its natural end; for Ollama there is a Modelfile (\`ollama create NAME -f Modelfile\`):

\`\`\`sh
llama-cli -m ${name} -cnv
\`\`\`
`,
    ),
    `A thinking budget (cut the reasoning at so many tokens, or go on with Wait) is a matter of decoding: Grappa has it${budgets}.\n`,
  ].join("\n");
}

/** Control tokens are shown where they stand between thinking and answer. */
function transformersSnippet(place: string, style: ModelCard["style"]): string {
  return `\`\`\`python
from transformers import AutoModelForCausalLM, AutoTokenizer

tokenizer = AutoTokenizer.from_pretrained(${JSON.stringify(place)})
model = AutoModelForCausalLM.from_pretrained(${JSON.stringify(place)}, dtype="auto", device_map="auto")
messages = [{"role": "user", "content": "How many primes are below 30?"}]
inputs = tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_dict=True, return_tensors="pt").to(model.device)
reply = model.generate(**inputs, max_new_tokens=2048)
print(tokenizer.decode(reply[0][inputs["input_ids"].shape[1]:], skip_special_tokens=${style === "s1" ? "False" : "True"}))
\`\`\`
`;
}

const shellName = (name: string): string => (/^[\w./-]{1,120}$/.test(name) ? name : "RUN");

function limits({ run }: ModelCard): string {
  const known = run?.results ? knownLimits(run.results) : [];
  return `## Limitations

${[
  ...known,
  "It was trained to reason on questions like those of its data; elsewhere it may be worse than its base.",
  "Its reasoning is text that a model wrote: it may be wrong where the answer is right.",
]
  .map((limit) => `- ${cell(limit)}`)
  .join("\n")}
`;
}

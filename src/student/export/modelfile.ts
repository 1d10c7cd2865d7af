/**
 * @file A Modelfile for Ollama. Ollama writes prompts by a Go template; of a GGUF's Jinja it recognises well-known ones alone
 * and takes the bare prompt for the rest. So the template is said here, where rendering the model's own shows that it has
 * one of two forms: ChatML's or Llama 3's.
 */
import type { ChatMessage } from "../../tokenize/chat.ts";

/** What a Modelfile is written from. */
export interface ModelfileFacts {
  /** File name of the GGUF beside it. */
  readonly gguf: string;
  readonly contextTokens: number;
  /** Spellings of the ids that end a reply. */
  readonly stops: readonly string[];
  /** How the model is sampled; temperature 0 is greedy. */
  readonly sampling: { readonly temperature: number; readonly topP?: number; readonly topK?: number };
  /** The model's own chat template, with the header of the next turn at the end. */
  readonly render: (messages: readonly ChatMessage[]) => string;
}

/** Longer contexts need gigabytes of cache: who wants one says so. */
const MOST_CONTEXT = 32_768;

interface Form {
  readonly name: string;
  turn(role: string, content: string): string;
  readonly opening: string;
  /** What may stand before the first turn; llama.cpp puts it there by itself. */
  readonly begin: string;
}

const FORMS: readonly Form[] = [
  {
    name: "ChatML",
    turn: (role, content) => `<|im_start|>${role}\n${content}<|im_end|>\n`,
    opening: "<|im_start|>assistant\n",
    begin: "",
  },
  {
    name: "Llama 3",
    turn: (role, content) => `<|start_header_id|>${role}<|end_header_id|>\n\n${content}<|eot_id|>`,
    opening: "<|start_header_id|>assistant<|end_header_id|>\n\n",
    begin: "<|begin_of_text|>",
  },
];

const USER: ChatMessage = { role: "user", content: "question" };
const SYSTEM: ChatMessage = { role: "system", content: "instruction" };

/** The file's text. */
export function modelfile(facts: ModelfileFacts): string {
  const { gguf, contextTokens, stops, sampling } = facts;
  const lines = [
    "# For Ollama: ollama create NAME -f Modelfile",
    "# Budget forcing (cutting the thinking at a number of tokens, or lengthening it with Wait) is not in Ollama: what it",
    "# serves thinks to its natural end. For thinking budgets: grappa chat, or grappa evaluate with --budgets.",
    `FROM ./${gguf}`,
    ...template(facts),
    `PARAMETER num_ctx ${Math.min(contextTokens, MOST_CONTEXT)}`,
    `PARAMETER temperature ${sampling.temperature}`,
    ...(sampling.topP === undefined ? [] : [`PARAMETER top_p ${sampling.topP}`]),
    ...(sampling.topK === undefined ? [] : [`PARAMETER top_k ${sampling.topK}`]),
    "# A small student is spoilt by penalties that long reasoning runs into.",
    "PARAMETER repeat_penalty 1",
    ...stops.filter(isPlain).map((stop) => `PARAMETER stop "${stop}"`),
  ];
  return `${lines.join("\n")}\n`;
}

const isPlain = (text: string): boolean => /^[^"\\\n\r{}]{1,64}$/.test(text);

function template({ render }: ModelfileFacts): string[] {
  for (const form of FORMS) {
    const found = matchForm(form, render);
    if (found === null) continue;
    const { ownSystem, framesSystem } = found;
    const turns = `{{ range .Messages }}${form.turn("{{ .Role }}", "{{ .Content }}")}{{ end }}`;
    return [
      `# ${form.name}, as the model's own template writes it.`,
      ...(framesSystem ? [] : ["# Its own template frames a system message otherwise; that is not in this one."]),
      `TEMPLATE """${ownSystem === null ? "" : systemUnlessGiven(form, ownSystem)}${turns}${form.opening}"""`,
    ];
  }
  return [
    "# The model's chat template has no form that grappa can write for Ollama, so there is no TEMPLATE here: see what Ollama",
    "# makes of it with `ollama show NAME --template`, and write one if it is wrong.",
  ];
}

/** The system message that the model's template writes where there is none. */
function systemUnlessGiven(form: Form, text: string): string {
  return `{{ if ne (index .Messages 0).Role "system" }}${form.turn("system", text)}{{ end }}`;
}

/** Null: the template is of another form. */
function matchForm(form: Form, render: ModelfileFacts["render"]) {
  const rendered = attempt(() => render([USER]));
  const end = form.turn("user", USER.content) + form.opening;
  if (!rendered?.endsWith(end)) return null;
  const before = withoutBegin(form, rendered.slice(0, -end.length));
  const ownSystem = before === "" ? null : systemOf(form, before);
  if (ownSystem === undefined) return null;
  const given = attempt(() => withoutBegin(form, render([SYSTEM, USER])));
  return { ownSystem, framesSystem: given === form.turn("system", SYSTEM.content) + end };
}

const withoutBegin = ({ begin }: Form, text: string): string =>
  begin !== "" && text.startsWith(begin) ? text.slice(begin.length) : text;

/** The text of a lone system turn; undefined where it is none, or cannot stand in a Go template. */
function systemOf(form: Form, turn: string): string | undefined {
  const [head = "", tail = ""] = form.turn("system", "\0").split("\0");
  if (!turn.startsWith(head) || !turn.endsWith(tail)) return undefined;
  const text = turn.slice(head.length, turn.length - tail.length);
  return form.turn("system", text) === turn && !/\{\{|\}\}|"""/.test(text) ? text : undefined;
}

/** A template may refuse a conversation. */
function attempt(work: () => string): string | null {
  try {
    return work();
  } catch {
    return null;
  }
}

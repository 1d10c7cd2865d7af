import { useId, useRef, useState } from "preact/hooks";
import { count } from "../../report/number-format.ts";
import type { ChatFacts } from "../../report/page/chat-api.ts";
import { MOST_PROMPT_CHARACTERS, MOST_WAITS } from "../../report/page/chat-limits.ts";
import { visibleText } from "../../report/plain-text.ts";
import { useApi } from "../api/use-api.ts";
import { useKeys } from "../keys/use-keys.ts";
import { Fault, Waiting } from "../parts/fault.tsx";
import { ReplyText } from "../parts/marked-reply.tsx";
import { RunHeading } from "../parts/run-heading.tsx";
import type { RunViewProps } from "../routes.ts";
import { forcedPassages, isUnderWay, type ReplySoFar } from "./chat-replies.ts";
import { type Turn, useChat } from "./use-chat.ts";

/** Talk to the run's student. */
export function ChatPage({ run }: RunViewProps) {
  const { value, fault } = useApi("/runs/:run/chat", run);
  return (
    <>
      <RunHeading run={run} title="Chat" />
      <Fault fault={fault} />
      {value === null ? fault === null && <Waiting /> : <Chat facts={value} />}
    </>
  );
}

/** Places of a budget's slider: powers of two from 8 to the context, and then no cap. */
function budgetsOf({ contextTokens }: ChatFacts): readonly (number | null)[] {
  const powers: number[] = [];
  for (let budget = 8; budget < contextTokens; budget *= 2) powers.push(budget);
  return [...powers, null];
}

const budgetText = (budget: number | null | undefined): string =>
  budget === null || budget === undefined ? "to its natural end" : `${count(budget)} tokens`;

function Chat({ facts }: { readonly facts: ChatFacts }) {
  const { turns, ask, stop, isBusy } = useChat(facts.run);
  return (
    <>
      <Question facts={facts} ask={ask} stop={stop} isBusy={isBusy} />
      {turns.map((turn) => (
        <TurnSection key={turn.id} turn={turn} />
      ))}
      {turns.length > 0 && (
        <p class="quiet small">
          Dimmed: what it thinks. <mark>Marked</mark>: forced by the thinking budget. Greedy: the same question gets the
          same reply.
        </p>
      )}
    </>
  );
}

type QuestionProps = { readonly facts: ChatFacts } & Pick<ReturnType<typeof useChat>, "ask" | "stop" | "isBusy">;

function Question({ facts, ask, stop, isBusy }: QuestionProps) {
  const budgets = budgetsOf(facts);
  const last = budgets.length - 1;
  const [prompt, setPrompt] = useState(facts.example ?? "");
  const [places, setPlaces] = useState([last, Math.max(0, last - 4), Math.max(0, last - 3)]);
  const [waits, setWaits] = useState(0);
  const [isSideBySide, setSideBySide] = useState(false);
  const shown = isSideBySide ? places : places.slice(0, 1);
  const send = (): void => {
    if (prompt.trim() === "") return;
    const ordered = [...shown].sort((a, b) => a - b);
    ask(
      prompt,
      ordered.map((place) => budgets[place] ?? null),
      waits,
    );
  };
  return (
    <form
      class="ask"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      <PromptField prompt={prompt} facts={facts} onPrompt={setPrompt} send={send} stop={stop} />
      <div class="sliders">
        {shown.map((place, at) => (
          <Slider
            key={at}
            label={isSideBySide ? `thinking budget ${at + 1}` : "thinking budget"}
            value={place}
            most={last}
            text={budgetText(budgets[place])}
            onValue={(value) => setPlaces(places.map((one, each) => (each === at ? value : one)))}
          />
        ))}
        <Slider label="Waits" value={waits} most={MOST_WAITS} text={count(waits)} onValue={setWaits} />
      </div>
      <div class="choices">
        <label>
          <input type="checkbox" checked={isSideBySide} onChange={() => setSideBySide(!isSideBySide)} />
          three budgets side by side
        </label>
        <button type="submit">ask</button>
        <button type="button" disabled={!isBusy} onClick={stop}>
          stop
        </button>
      </div>
    </form>
  );
}

interface PromptFieldProps extends Pick<QuestionProps, "facts" | "stop"> {
  readonly prompt: string;
  readonly onPrompt: (prompt: string) => void;
  readonly send: () => void;
}

function PromptField({ prompt, facts: { example }, onPrompt, send, stop }: PromptFieldProps) {
  const field = useRef<HTMLTextAreaElement>(null);
  useKeys("In the chat", [
    { keys: "i", what: "write a question (Control Enter asks it)", run: () => field.current?.focus() },
    { keys: "s", what: "stop thinking", run: stop },
  ]);
  return (
    <>
      <label>
        question
        <textarea
          ref={field}
          rows={3}
          maxLength={MOST_PROMPT_CHARACTERS}
          value={prompt}
          onInput={(event) => onPrompt(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) send();
            if (event.key === "Escape") event.currentTarget.blur();
          }}
        />
      </label>
      <p class="quiet small">
        Each question stands alone: the student was trained on single ones.
        {example !== null && " The first is one of its kind that it has not seen."}
      </p>
    </>
  );
}

interface SliderProps {
  readonly label: string;
  readonly value: number;
  readonly most: number;
  /** What the value means. */
  readonly text: string;
  readonly onValue: (value: number) => void;
}

function Slider({ label, value, most, text, onValue }: SliderProps) {
  const id = useId();
  return (
    <div class="slider">
      <label for={id}>{label}</label>
      <input
        id={id}
        type="range"
        min="0"
        max={most}
        value={value}
        aria-valuetext={text}
        onInput={(event) => onValue(Number(event.currentTarget.value))}
      />
      <output for={id}>{text}</output>
    </div>
  );
}

function TurnSection({ turn: { id, prompt, replies } }: { readonly turn: Turn }) {
  return (
    <section class="turn" aria-label={`question ${id}`}>
      <div class="reply-text question" role="region" tabIndex={0} aria-label={`question ${id}, text`}>
        {visibleText(prompt)}
      </div>
      <div class="side-by-side">
        {replies.map((reply, at) => (
          <ReplyArticle key={at} reply={reply} name={`question ${id}, reply ${at + 1}`} />
        ))}
      </div>
    </section>
  );
}

const WORDS: Readonly<Record<ReplySoFar["state"], string>> = {
  waiting: "waits for its turn …",
  opening: "opening the student …",
  thinking: "thinking …",
  ended: "",
  stopped: "given up",
};

function ReplyArticle({ reply, name }: { readonly reply: ReplySoFar; readonly name: string }) {
  const { budgetTokens, waits, thinking, answer, end, state } = reply;
  const forced = forcedPassages(reply);
  const words = state === "thinking" && answer.runs.length > 0 ? "answering …" : WORDS[state];
  return (
    <article class="answer" aria-busy={isUnderWay(reply)}>
      <h3>
        {budgetText(budgetTokens)}
        {waits > 0 && `, ${waits} ${waits === 1 ? "Wait" : "Waits"}`}
      </h3>
      <p class="quiet small" role="status">
        {end === null
          ? words
          : `${count(end.thinkingTokens)} thinking tokens, ${end.end === "cut" ? "cut" : end.end === "direct" ? "none thought" : "ended by itself"}; ${count(end.answerTokens)} of answer; ${count(forced)} forced ${forced === 1 ? "passage" : "passages"}`}
      </p>
      <Fault fault={reply.fault} />
      {thinking.runs.length > 0 && (
        <div class="dimmed">
          <ReplyText reply={thinking} name={`thinking, ${name}`} />
        </div>
      )}
      {answer.runs.length > 0 && (
        <div class="given">
          <ReplyText reply={answer} name={`answer, ${name}`} />
        </div>
      )}
    </article>
  );
}

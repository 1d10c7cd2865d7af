/** @file The page's side: controls, questions, and what the student says back. */
import {
  LIVE_IDS,
  LIVE_MODELS,
  type LiveBlocks,
  type LiveModelName,
  type LivePayload,
} from "../report/live-student.ts";
import type { ThinkingSetting } from "../schema/records.ts";
import { budgetSteps, budgetText } from "./budget-steps.ts";
import { drawQuestion } from "./draw-question.ts";
import type { FromStudent, LivePiece } from "./live-protocol.ts";
import { factsText, type QuestionFacts, questionFacts } from "./question-facts.ts";
import { outcomeText, type ReplyPanel, replyPanel } from "./reply-panel.ts";
import { openStudentPort, type StudentPort } from "./student-port.ts";

/** Tokens a second at reading speed. */
const READING_SPEED = 60;
/** A dial that moves on within this time, milliseconds, asks nothing yet. */
const SETTLE_MS = 120;

function byId<T extends HTMLElement>(id: string, type: new () => T): T {
  const found = document.getElementById(id);
  if (!(found instanceof type)) throw new Error(`bug in grappa: the page has no ${id}`);
  return found;
}

/** Wakes the section and wires its controls; does nothing in a page that carries no student. */
export function startLivePage(): void {
  if (document.getElementById(LIVE_IDS.section) === null) return;
  const payload = JSON.parse(byId(LIVE_IDS.payload, HTMLScriptElement).textContent ?? "") as LivePayload;
  new LivePage(payload).start();
}

class LivePage {
  readonly #payload: LivePayload;
  readonly #steps: readonly number[];
  readonly #section = byId(LIVE_IDS.section, HTMLElement);
  readonly #pick = byId(LIVE_IDS.pick, HTMLSelectElement);
  readonly #question = byId(LIVE_IDS.question, HTMLInputElement);
  readonly #budget = byId(LIVE_IDS.budget, HTMLInputElement);
  readonly #slow = byId(LIVE_IDS.slow, HTMLInputElement);
  readonly #stop = byId(LIVE_IDS.stop, HTMLButtonElement);
  readonly #status = byId(LIVE_IDS.status, HTMLElement);
  readonly #panels = new Map<LiveModelName, ReplyPanel>();
  /** Pieces that came since the last frame; drawing each by itself would cost more than making it. */
  readonly #pending = new Map<LiveModelName, LivePiece[]>();
  #port: StudentPort | undefined;
  #asked: { readonly id: number; readonly facts: QuestionFacts | null } = { id: 0, facts: null };
  /** What each model's reply came to, by model, of the question asked last. */
  readonly #outcomes = new Map<LiveModelName, string>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(payload: LivePayload) {
    this.#payload = payload;
    this.#steps = budgetSteps(payload.config.maxPositions);
  }

  start(): void {
    for (const name of LIVE_MODELS) {
      const box = document.getElementById(LIVE_IDS.reply(name));
      if (box !== null) this.#panels.set(name, replyPanel(box));
    }
    this.#budget.max = String(this.#steps.length - 1);
    this.#budget.value = this.#budget.max;
    this.#question.value = this.#pick.value;
    this.#showSetting();
    this.#showFacts();
    this.#listen();
    for (const element of [this.#section, byId(LIVE_IDS.link, HTMLElement)]) element.hidden = false;
    this.#thinkWhenSeen();
  }

  #listen(): void {
    byId(LIVE_IDS.form, HTMLFormElement).addEventListener("submit", (event) => {
      event.preventDefault();
      this.#think(this.#slow.checked);
    });
    this.#pick.addEventListener("change", () => this.#ask(this.#pick.value));
    byId(LIVE_IDS.draw, HTMLButtonElement).addEventListener("click", () => this.#draw());
    this.#question.addEventListener("input", () => this.#showFacts());
    this.#stop.addEventListener("click", () => this.#port?.send({ type: "stop" }));
    // What a dial does to the text is seen best when the text comes at once.
    const turned = (): void => {
      this.#showSetting();
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.#think(false), SETTLE_MS);
    };
    this.#budget.addEventListener("input", turned);
    for (const choice of this.#waitChoices()) choice.addEventListener("change", turned);
  }

  #waitChoices(): HTMLInputElement[] {
    return [...this.#section.querySelectorAll<HTMLInputElement>(`input[name="${LIVE_IDS.waits}"]`)];
  }

  #setting(): ThinkingSetting {
    const budgetTokens = this.#steps[Number(this.#budget.value)] ?? this.#payload.config.maxPositions;
    if (budgetTokens === 0) return { mode: "direct", budgetTokens: 0, waits: 0 };
    const waits = Number(this.#waitChoices().find(({ checked }) => checked)?.value ?? 0);
    return { mode: "think", budgetTokens, waits };
  }

  #showSetting(): void {
    const { budgetTokens, mode } = this.#setting();
    const words = budgetText(budgetTokens, this.#payload.config.maxPositions);
    byId(LIVE_IDS.budgetText, HTMLOutputElement).textContent = words;
    this.#budget.setAttribute("aria-valuetext", words);
    for (const choice of this.#waitChoices()) choice.disabled = mode === "direct";
  }

  #showFacts(): void {
    byId(LIVE_IDS.facts, HTMLElement).textContent = factsText(questionFacts(this.#question.value));
  }

  #ask(question: string): void {
    this.#question.value = question;
    this.#showFacts();
    this.#think(this.#slow.checked);
  }

  #draw(): void {
    const family = questionFacts(this.#question.value)?.family ?? "arithmetic";
    const [seed = 0] = crypto.getRandomValues(new Uint32Array(1));
    this.#ask(drawQuestion(family, this.#payload.heldOut, seed));
  }

  /** The first reply comes by itself, once, when the reader gets here; not for readers who want less motion. */
  #thinkWhenSeen(): void {
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) {
      this.#slow.checked = false;
      return;
    }
    const observer = new IntersectionObserver(
      (entries) => {
        if (!entries.some(({ isIntersecting }) => isIntersecting)) return;
        observer.disconnect();
        if (this.#asked.id === 0) this.#think(this.#slow.checked);
      },
      { threshold: 0.35 },
    );
    observer.observe(this.#section);
  }

  #think(isSlow: boolean): void {
    clearTimeout(this.#timer);
    const question = this.#question.value;
    this.#port ??= this.#open();
    this.#asked = { id: this.#asked.id + 1, facts: questionFacts(question) };
    this.#outcomes.clear();
    this.#pending.clear();
    for (const panel of this.#panels.values()) panel.begin();
    this.#stop.disabled = false;
    this.#status.textContent = "thinking";
    const tokensPerSecond = isSlow ? READING_SPEED : null;
    this.#port.send({ type: "think", id: this.#asked.id, question, setting: this.#setting(), tokensPerSecond });
  }

  #open(): StudentPort {
    const text = (id: string): string | undefined => document.getElementById(id)?.textContent ?? undefined;
    const block = (name: keyof LiveBlocks): string => text(LIVE_IDS.block(name)) ?? "";
    const port = openStudentPort(text(LIVE_IDS.script) ?? "", (message) => this.#receive(message));
    const blocks: LiveBlocks = {
      kernels: block("kernels"),
      student: block("student"),
      base: text(LIVE_IDS.block("base")),
    };
    port.send({ type: "open", payload: this.#payload, blocks });
    return port;
  }

  #receive(message: FromStudent): void {
    if (message.type === "ready") return;
    if (message.type === "failed") {
      if (message.id === null || message.id === this.#asked.id) this.#fail(message.message);
      return;
    }
    const panel = this.#panels.get(message.model);
    if (message.id !== this.#asked.id || panel === undefined) return;
    if (message.type === "pieces") {
      this.#enqueue(message.model, message.pieces);
      return;
    }
    this.#flush();
    const { facts } = this.#asked;
    if (message.type === "reply") panel.finish(message.reply, facts);
    else panel.breakOff("stopped");
    this.#settle(message.model, message.type === "reply" ? outcomeText(message.reply, facts) : "stopped");
  }

  #enqueue(model: LiveModelName, pieces: readonly LivePiece[]): void {
    if (this.#pending.size === 0) requestAnimationFrame(() => this.#flush());
    this.#pending.set(model, [...(this.#pending.get(model) ?? []), ...pieces]);
  }

  #flush(): void {
    for (const [model, pieces] of this.#pending) this.#panels.get(model)?.add(pieces);
    this.#pending.clear();
  }

  /** One announcement when all have ended: reading out every token would be noise. */
  #settle(model: LiveModelName, outcome: string): void {
    this.#outcomes.set(model, outcome);
    if (this.#outcomes.size < this.#panels.size) return;
    this.#stop.disabled = true;
    this.#status.textContent = [...this.#panels.keys()]
      .map((name) => `${name}: ${this.#outcomes.get(name)}`)
      .join("; ");
  }

  #fail(reason: string): void {
    this.#flush();
    for (const panel of this.#panels.values()) panel.breakOff("");
    this.#stop.disabled = true;
    this.#status.textContent = `It cannot answer here: ${reason}.`;
  }
}

/** @file The student that the page talks to: opened when first asked, one reply at a time, closed when it is idle. */
import { AppError } from "../../core/errors.ts";
import type { ChatEvents, ChatQuestion } from "../../report/page/chat-api.ts";
import type { ChatReply, ChatSession } from "../../pipeline/services.ts";

/** What chats need. */
export interface StudentChatsOptions {
  /** Folder of a run's student, another one when it is trained again. Throws where the run has none. */
  readonly find: (run: string) => Promise<string>;
  /** Opens the student in that folder. */
  readonly open: (run: string, folder: string) => Promise<ChatSession>;
  /** An open student takes memory; it is closed when nobody has asked for so long. */
  readonly idleMs: number;
  /** Told of what closing a student fails at, which is no question's answer. */
  readonly onFailure: (error: unknown) => void;
}

/** Who listens to one reply. */
export interface ChatListener {
  readonly signal: AbortSignal;
  onState(state: ChatEvents["state"]): void;
  onPiece(piece: ChatEvents["piece"]): void;
}

/** Questions that wait at once, of all pages. */
const MOST_WAITING = 24;

interface Job {
  readonly run: string;
  readonly question: ChatQuestion;
  readonly listener: ChatListener;
  readonly resolve: (reply: ChatReply) => void;
  readonly reject: (error: unknown) => void;
}

/** Answers questions one at a time, of pages in turn. */
export class StudentChats {
  readonly #options: StudentChatsOptions;
  #waiting: Job[] = [];
  /** When each page with a waiting question was last served, in replies. */
  readonly #servedAt = new Map<string, number>();
  #served = 0;
  #open: { readonly folder: string; readonly session: ChatSession } | undefined;
  #closing: Promise<void> = Promise.resolve();
  #isWorking = false;
  #working: Promise<void> = Promise.resolve();
  #idle: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(options: StudentChatsOptions) {
    this.#options = options;
  }

  /** One reply, when its turn comes. Throws "limit-exceeded" where too many wait; "interrupted" when its signal ends it. */
  async reply(run: string, question: ChatQuestion, listener: ChatListener): Promise<ChatReply> {
    if (this.#isClosed) throw new AppError("interrupted", "the server ends");
    if (this.#waiting.length >= MOST_WAITING)
      throw new AppError("limit-exceeded", `${MOST_WAITING} questions wait, and no more may`, {
        hint: "ask again when some are answered",
      });
    return await new Promise((resolve, reject) => {
      const job = { run, question, listener, resolve, reject };
      this.#waiting.push(job);
      listener.onState({ is: "waiting" });
      const leave = (): void => {
        if (!this.#waiting.includes(job)) return; // its turn has come, and the student hears the signal itself
        this.#waiting = this.#waiting.filter((other) => other !== job);
        reject(givenUp());
      };
      listener.signal.addEventListener("abort", leave, { once: true });
      if (listener.signal.aborted) leave();
      if (!this.#isWorking) this.#working = this.#work();
    });
  }

  /** Gives up what waits, and closes the student. Replies under way must be ended by their signals. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const { reject } of this.#waiting.splice(0)) reject(givenUp());
    await this.#working;
    await this.#closeStudent();
  }

  /** Answers until nothing waits; a question that comes after that starts it anew. */
  async #work(): Promise<void> {
    this.#isWorking = true;
    clearTimeout(this.#idle);
    for (let job = this.#next(); job !== undefined; job = this.#next()) {
      try {
        job.resolve(await this.#answer(job));
      } catch (error) {
        job.reject(job.listener.signal.aborted ? givenUp() : error);
      }
    }
    this.#isWorking = false;
    this.#servedAt.clear();
    this.#idle = setTimeout(() => void this.#closeStudent(), this.#options.idleMs).unref();
  }

  /** The oldest question of the page that was served longest ago. */
  #next(): Job | undefined {
    const servedAt = ({ question }: Job): number => this.#servedAt.get(question.page) ?? 0;
    const first = this.#waiting.reduce<Job | undefined>(
      (best, job) => (best === undefined || servedAt(job) < servedAt(best) ? job : best),
      undefined,
    );
    if (first === undefined) return undefined;
    this.#waiting = this.#waiting.filter((job) => job !== first);
    this.#served += 1;
    this.#servedAt.set(first.question.page, this.#served);
    return first;
  }

  async #answer({ run, question, listener }: Job): Promise<ChatReply> {
    const session = await this.#sessionOf(run, listener);
    listener.signal.throwIfAborted();
    listener.onState({ is: "thinking" });
    const { prompt, budgetTokens, waits } = question;
    const setting = { budgetTokens: budgetTokens ?? undefined, waits };
    const onPiece = ({ part, text, isForced }: ChatEvents["piece"]): void => listener.onPiece({ part, text, isForced });
    try {
      return await session.reply(prompt, setting, { signal: listener.signal, onPiece });
    } catch (error) {
      // Whatever its engine failed at, it may fail at again: the next question opens a new one.
      if (!listener.signal.aborted && !isRefusal(error)) void this.#closeStudent();
      throw error;
    }
  }

  async #sessionOf(run: string, { onState }: ChatListener): Promise<ChatSession> {
    const folder = await this.#options.find(run);
    if (this.#open?.folder === folder) return this.#open.session;
    onState({ is: "opening" });
    await this.#closeStudent();
    const session = await this.#options.open(run, folder);
    this.#open = { folder, session };
    return session;
  }

  /** Resolves when no student is open: also one whose closing began earlier, as when it was idle. */
  async #closeStudent(): Promise<void> {
    clearTimeout(this.#idle);
    const open = this.#open;
    this.#open = undefined;
    if (open !== undefined)
      this.#closing = this.#closing.then(() => open.session.close()).catch(this.#options.onFailure);
    await this.#closing;
  }
}

/** Whether the question is at fault, not the student. */
function isRefusal(error: unknown): boolean {
  return error instanceof AppError && error.code === "limit-exceeded";
}

function givenUp(): AppError {
  return new AppError("interrupted", "the question was given up", { isRetryable: true });
}

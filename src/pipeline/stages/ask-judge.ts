/** @file The recipe's judge, on the run's accounts: a verdict in a fixed form, a bounded number of tries, else none. */
import { JUDGE_PROMPT_VERSION, judgePrompt, MAX_JUDGED_LENGTH, readJudgeAnswer } from "../../grade/judge-prompt.ts";
import { describeEndpoint, type Endpoint } from "../../schema/endpoint.ts";
import type { Grade, Question } from "../../schema/records.ts";
import type { AskPorts } from "./ask-endpoint.ts";
import { askInForm } from "./ask-in-form.ts";
import { openAsked, type OpenTeacher } from "./open-teacher.ts";

/** A reply to be judged. */
export interface JudgedReply {
  readonly question: Question;
  readonly reply: string;
}

/** What a judge says of a reply; null: no verdict that can be read, whatever was tried. */
export type JudgeVerdict = "correct" | "incorrect" | null;

/** A judge that can be asked about many replies at once. */
export interface RunJudge {
  /** Verdicts in the order of the replies, whose prompts are in memory together. What was asked before is read from the journal. */
  ask(replies: readonly JudgedReply[]): Promise<JudgeVerdict[]>;
  /** The rule that stands in a grade made of its verdict. */
  readonly rule: string;
  close(): Promise<void>;
}

/** Opens a judge; nothing is sent until it is asked. Throws as `openAsked`. */
export function openJudge(endpoint: Endpoint, ports: AskPorts): RunJudge {
  const opened = openAsked(endpoint, ports.world, "the judge");
  return {
    rule: `judge/${JUDGE_PROMPT_VERSION}/${describeEndpoint(endpoint)}`,
    ask: (replies) => askAbout(replies, opened, ports),
    close: () => opened.close(),
  };
}

/** The grade that a verdict makes. */
export function judgedGrade(rule: string, verdict: JudgeVerdict, before: Grade): Grade {
  return {
    outcome: verdict ?? "unscored",
    extracted: before.extracted,
    rule: verdict === null ? `${rule}/none` : rule,
  };
}

/** What makes a reply right, where the reference is known and where it is not. */
function rubricOf({ answer }: Question): string {
  if (answer === null)
    return "The reply's final answer to the question is right. Work the question out yourself; a reply without a final answer is incorrect.";
  return [
    "The reply's final answer is the same as the reference answer, in whatever form it is written; how it was found does not",
    "matter, and a reply without a final answer is incorrect. Reference answer:",
    answer,
  ].join("\n");
}

async function askAbout(
  replies: readonly JudgedReply[],
  opened: OpenTeacher,
  ports: AskPorts,
): Promise<JudgeVerdict[]> {
  const readable = replies.flatMap((one, place) =>
    one.reply.trim() === "" || one.reply.length > MAX_JUDGED_LENGTH ? [] : [{ ...one, place }],
  );
  const prompts = readable.map(({ question, reply }) => ({
    questionId: question.id,
    content: judgePrompt({ rubric: rubricOf(question), question: question.text, reply }),
  }));
  const found = await askInForm(prompts, readVerdict, { opened, ports });
  const verdicts = new Map(readable.map(({ place }, i) => [place, found[i] ?? null]));
  return replies.map((_, place) => verdicts.get(place) ?? null);
}

function readVerdict(answer: string): "correct" | "incorrect" | undefined {
  const { status } = readJudgeAnswer(answer);
  return status === "unreadable" ? undefined : status;
}

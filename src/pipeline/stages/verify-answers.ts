import type { Recipe } from "../../schema/recipe.ts";
import type { Grade, Question } from "../../schema/records.ts";
import type { Endpoint } from "../../schema/endpoint.ts";
import type { AskPorts } from "./ask-endpoint.ts";
import { judgedGrade, openJudge, type RunJudge } from "./ask-judge.ts";
import type { Verify } from "./ask-teachers.ts";
import { hasVerifier, openReplyGrader } from "./grade-reply.ts";
import { teacherIdentity } from "./open-teacher.ts";

/** The parts of a judge's recipe that its verdicts depend on. */
export function judgeIdentity(judge: Endpoint): unknown {
  return teacherIdentity(judge);
}

/**
 * Whether a judge is asked about a reply that a rule graded so: where there is no reference answer, or where a rule that reads
 * answers could not match this one to it. A family's verifier knows, and is not doubted.
 */
export function isForJudge(question: Question, { outcome }: Grade): boolean {
  if (hasVerifier(question)) return false;
  return ["unscored", "answer_parse_error", "no_answer", "incorrect"].includes(outcome);
}

/** A verifier of answers by rule, and by the recipe's judge where it has one. */
export function openVerify(
  { judge }: Pick<Recipe, "judge">,
  ports: AskPorts,
): { readonly verify: Verify; close(): Promise<void> } {
  let opened: RunJudge | undefined;
  const grader = openReplyGrader(ports.signal);
  const verify: Verify = async (question, reply) => {
    const grade = await grader.grade(question, reply);
    if (judge === undefined || !isForJudge(question, grade)) return grade.outcome;
    opened ??= openJudge(judge, ports);
    const [verdict = null] = await opened.ask([{ question, reply }]);
    return judgedGrade(opened.rule, verdict, grade).outcome;
  };
  const close = async (): Promise<void> => {
    await Promise.all([grader.close(), opened?.close()]);
  };
  return { verify, close };
}

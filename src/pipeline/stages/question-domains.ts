/** @file The subject of each question that may be selected, told by the recipe's judge: `domains.jsonl` of the grade stage. */
import { DOMAIN_PROMPT_VERSION, domainPrompt, readDomainAnswer } from "../../curate/domain-prompt.ts";
import { UNCLASSIFIED } from "../../curate/msc-classes.ts";
import type { StageNotes } from "../../schema/manifest.ts";
import { describeEndpoint, type Endpoint } from "../../schema/endpoint.ts";
import { type GradedTrace, Question, QuestionDomain, SCHEMA_VERSION } from "../../schema/records.ts";
import type { StageContext, StageInput } from "../stage.ts";
import type { AskPorts } from "./ask-endpoint.ts";
import { askInForm } from "./ask-in-form.ts";
import { openAsked } from "./open-teacher.ts";

const FILE = "domains.jsonl";
/** Questions that are asked about together: their prompts are in memory. */
const CHUNK = 256;

/**
 * Asks the judge for the subject of every question that is left and has a trace (where only right ones are selected, a right
 * one), and writes a row each; a question of which it cannot tell goes to a domain of its own. Returns what to note.
 */
export async function writeQuestionDomains(
  context: StageContext,
  grades: readonly GradedTrace[],
  { judge, ports }: { readonly judge: Endpoint; readonly ports: AskPorts },
): Promise<StageNotes> {
  const questions = await questionsToSort(context, grades);
  const opened = openAsked(judge, ports.world, "the judge");
  const rule = `judge/${DOMAIN_PROMPT_VERSION}/${describeEndpoint(judge)}`;
  const file = await context.output.openRows(FILE);
  let unclassified = 0;
  try {
    for (let at = 0; at < questions.length; at += CHUNK) {
      const chunk = questions.slice(at, at + CHUNK);
      const prompts = chunk.map(({ id, text }) => ({ questionId: id, content: domainPrompt(text) }));
      const domains = await askInForm(prompts, readDomainAnswer, { opened, ports });
      for (const [place, { id }] of chunk.entries()) {
        const domain = domains[place] ?? null;
        if (domain === null) unclassified += 1;
        await file.write(domainRow(id, domain, rule));
      }
      context.progress({ done: at + chunk.length, total: questions.length, unit: "subjects" });
    }
    await file.close();
  } catch (error) {
    await file.abandon();
    throw error;
  } finally {
    await opened.close();
  }
  if (unclassified > 0)
    context.warn(
      `the judge could not tell the subject of ${unclassified} of ${questions.length} questions: they are drawn as a domain of their own, ${UNCLASSIFIED}`,
    );
  return { domainsAsked: questions.length, domainsUnclassified: unclassified };
}

function domainRow(questionId: string, domain: string | null, rule: string): QuestionDomain {
  return {
    schemaVersion: SCHEMA_VERSION,
    questionId,
    domain: domain ?? UNCLASSIFIED,
    rule: domain === null ? `${rule}/none` : rule,
  };
}

async function questionsToSort(
  { recipe, input }: StageContext,
  grades: readonly GradedTrace[],
): Promise<Pick<Question, "id" | "text">[]> {
  const { requireCorrect } = recipe.select;
  const wanted = new Set(
    grades.flatMap(({ questionId, grade }) => (requireCorrect && grade.outcome !== "correct" ? [] : [questionId])),
  );
  const questions: Pick<Question, "id" | "text">[] = [];
  for await (const { id, text } of input("attempt").streamRows("questions.jsonl", Question))
    if (wanted.has(id)) questions.push({ id, text });
  return questions;
}

/** Domains by question id, as the grade stage wrote them; undefined where it asked for none. */
export async function readQuestionDomains(grade: StageInput): Promise<Map<string, string> | undefined> {
  if (!grade.manifest.files.some(({ path }) => path === FILE)) return undefined;
  const domains = new Map<string, string>();
  for await (const { questionId, domain } of grade.streamRows(FILE, QuestionDomain)) domains.set(questionId, domain);
  return domains;
}

import type { StudentFormat } from "./student-format.ts";
import { IGNORED, indexOfIds } from "./training-sequence.ts";

/** What a token of an example is there for, in the order in which the parts come. */
export const TOKEN_ROLES = ["prompt", "delimiter", "thinking", "answer", "end"] as const;
export type TokenRole = (typeof TOKEN_ROLES)[number];

/** Positions `from` to `to` (not included) of one role. */
export interface RoleSpan {
  readonly role: TokenRole;
  readonly from: number;
  readonly to: number;
}

/**
 * An example taken apart: spans that follow one another and cover it. A faulty one as far as its parts are found: without an
 * assistant's turn all of it is prompt, without an answer's delimiter all behind the thinking's is thinking.
 */
export function roleSpans({ form, frame }: StudentFormat, ids: readonly number[]): RoleSpan[] {
  const spans: RoleSpan[] = [];
  const upTo = (role: TokenRole, to: number): void => {
    const from = spans.at(-1)?.to ?? 0;
    if (to > from) spans.push({ role, from, to });
  };
  const headerAt = indexOfIds(ids, frame.header);
  const bodyAt = headerAt === -1 ? ids.length : headerAt + frame.header.length;
  upTo("prompt", bodyAt);
  const endAt = ids.length - frame.end.length;
  const isEnded = endAt >= bodyAt && indexOfIds(ids, frame.end, endAt) === endAt;
  const replyEnd = isEnded ? endAt : ids.length;
  const { thinkOpen, answerOpen, directOpen } = form;
  if (indexOfIds(ids.slice(bodyAt, bodyAt + directOpen.length), directOpen) === 0)
    upTo("delimiter", bodyAt + directOpen.length);
  else {
    const isOpened = indexOfIds(ids.slice(bodyAt, bodyAt + thinkOpen.length), thinkOpen) === 0;
    if (isOpened) upTo("delimiter", bodyAt + thinkOpen.length);
    const answerAt = indexOfIds(ids, answerOpen, isOpened ? bodyAt + thinkOpen.length : bodyAt);
    upTo("thinking", answerAt === -1 ? replyEnd : answerAt);
    if (answerAt !== -1) upTo("delimiter", answerAt + answerOpen.length);
  }
  upTo("answer", replyEnd);
  upTo("end", ids.length);
  return spans;
}

/** Lengths of the runs of a mask, untrained and trained in turn, the first one untrained (0 where it begins trained). */
export function maskRuns(labels: readonly number[]): number[] {
  const runs = [0];
  let isTrained = false;
  for (const label of labels) {
    if ((label !== IGNORED) !== isTrained) {
      isTrained = !isTrained;
      runs.push(0);
    }
    runs[runs.length - 1] = (runs.at(-1) ?? 0) + 1;
  }
  return runs;
}

/**
 * @file Where a reply states its answer, the surest place first. Two extractors look: the anchored one at places that a writer
 * marked as the answer, the flexible one at the last value anywhere. Both are linear in the reply's length.
 */
import { lastBoxed } from "./boxed.ts";
import { lastNumber, lastValues, type Targets } from "./last-value.ts";
import { joinedContents, mathSpans } from "./math-spans.ts";

/** Rules of extraction, by priority. */
export type ExtractionRule =
  | "final-phrase"
  | "boxed"
  | "hashes"
  | "answer-phrase"
  | "whole"
  | "last-value"
  | "last-number";

/** A text that may be the answer. `isProse`: it may hold words around the answer, and says nothing if it cannot be read. */
export interface Candidate {
  readonly text: string;
  readonly rule: ExtractionRule;
  readonly isProse: boolean;
}

/** Longest reply that is searched, characters. */
export const MAX_REPLY_CHARACTERS = 1_048_576;
/** Longest stretch behind a phrase that is looked at. */
const MAX_SEGMENT = 600;
/** Longest reply that may be the answer as a whole. */
const MAX_WHOLE = 1_000;

const HOPE = "i hope it is correct";
const ANSWER_IS = /\banswer\b[*_]{0,3}\s*(?:is|are|:|=)[*_:\s]*/giu;
const PHRASE =
  /\b(?:ans(?:wers?)?|correct (?:option|choice))\b[*_]{0,3}\s*(?:\([^()\n]{0,24}\)\s*)?(?:is|are|was|would be|should be|must be|[:=：]|\n)[*_:：\s]*|\b(?:antwort|réponse|respuesta|ответ)\s*[:：]\s*/giu;
const HASHES = /####\s*/gu;

/** What a writer marked as the answer, the surest first. */
export function anchoredCandidates(reply: string, targets: Targets): Candidate[] {
  const found: Candidate[] = [];
  const region = withoutMarkup(reply);
  const final = finalPhrase(region);
  if (final !== null) found.push(...segmentCandidates(final, "final-phrase", targets));
  const tagged = lastTagged(reply);
  if (tagged !== null) found.push(...segmentCandidates(withoutMarkup(tagged), "answer-phrase", targets));
  const boxed = lastBoxed(region);
  if (boxed !== null) found.push({ text: boxed, rule: "boxed", isProse: false });
  const hashes = behindLast(region, HASHES);
  if (hashes !== null) found.push({ text: firstLine(hashes), rule: "hashes", isProse: false });
  const phrase = behindLast(region, PHRASE);
  if (phrase !== null) found.push(...segmentCandidates(phrase, "answer-phrase", targets));
  const mayBeWhole = targets.includes("expr") || /[$\\]/.test(region);
  if (region.length <= MAX_WHOLE && mayBeWhole && areDollarsPaired(region))
    found.push({ text: region, rule: "whole", isProse: true });
  return found;
}

const TAGS =
  /<\/?(?:answer|final|response|result|solution|think|thinking|b|i|u|em|strong|p|br|div|span|sub|sup|code)(?:\s[^<>]{0,80})?\/?>/giu;
/** `**12**` in prose; between letters, digits or brackets two stars are a power. */
const EMPHASIS = /(?<![\w)\]}*])\*\*(?=[^\s*])([^*\n]{1,200})\*\*(?![\w(*])/gu;
const MINUS_WORD = /(?<![\w\\])(?:minus|negative)\s+(?=\.?\d)/giu;
const OPEN_TAG = "<answer>";
const CLOSE_TAG = "</answer>";

/** The text without HTML tags and emphasis, which are dress; "minus 5" as a number. */
function withoutMarkup(text: string): string {
  return text.replace(TAGS, " ").replace(EMPHASIS, " $1 ").replace(MINUS_WORD, "-");
}

/** What stands between the last pair of answer tags. */
function lastTagged(text: string): string | null {
  const close = text.toLowerCase().lastIndexOf(CLOSE_TAG);
  const open = close === -1 ? -1 : text.toLowerCase().lastIndexOf(OPEN_TAG, close);
  const content = open === -1 ? "" : text.slice(open + OPEN_TAG.length, close);
  return content.trim() === "" || content.length > MAX_WHOLE ? null : content;
}

/** A dollar sign without a partner is money, and the text around it prose. */
function areDollarsPaired(text: string): boolean {
  return (text.replaceAll("\\$", "").split("$").length - 1) % 2 === 0;
}

/** The last values of a reply, from the end. */
export function flexibleCandidates(reply: string, targets: Targets): Candidate[] {
  const region = withoutMarkup(reply);
  const values = lastValues(region, targets).map(
    ({ text }): Candidate => ({ text, rule: "last-value", isProse: true }),
  );
  const number = targets.includes("expr") ? lastNumber(region) : null;
  return number === null ? values : [...values, { text: number, rule: "last-number", isProse: false }];
}

/** Between "the final answer is" and "I hope it is correct". */
function finalPhrase(region: string): string | null {
  const hope = region.toLowerCase().lastIndexOf(HOPE);
  if (hope === -1) return null;
  return behindLast(region.slice(Math.max(0, hope - MAX_SEGMENT), hope), ANSWER_IS);
}

function behindLast(text: string, pattern: RegExp): string | null {
  let end = -1;
  for (const match of text.matchAll(pattern)) end = match.index + match[0].length;
  if (end === -1) return null;
  const segment = text.slice(end, end + MAX_SEGMENT);
  return segment.trim() === "" ? null : segment;
}

function firstLine(text: string): string {
  return text.split("\n", 1)[0] ?? "";
}

/** What a marked stretch may state: maths set apart at its beginning, the stretch itself, or the last value within. */
function segmentCandidates(segment: string, rule: ExtractionRule, targets: Targets): Candidate[] {
  const sentence = firstSentence(segment);
  if (/^[\s*_]*(?:not|never)\b/iu.test(sentence)) return [];
  const spans = targets.includes("latex") ? mathSpans(sentence) : [];
  const found: Candidate[] = [];
  if (spans[0] !== undefined && /^[\s"'*_([]*$/u.test(sentence.slice(0, spans[0].start))) {
    let last = 0;
    while (last + 1 < spans.length && joinedContents(sentence, spans, last + 1).first === 0) last += 1;
    const behind = sentence.slice(spans[last]?.end ?? 0);
    const percent = /^\s*(?:\\?%|per\s?cent\b)/iu.test(behind) ? "\\%" : "";
    found.push({ text: `${joinedContents(sentence, spans, last).text}${percent}`, rule, isProse: false });
  }
  found.push({ text: sentence, rule, isProse: true });
  const head = withoutReason(sentence);
  if (head !== null) {
    found.push({ text: head, rule, isProse: true });
    found.push(...lastValues(head, targets).map(({ text }): Candidate => ({ text, rule, isProse: true })));
  }
  found.push(...lastValues(sentence, targets).map(({ text }): Candidate => ({ text, rule, isProse: true })));
  return found;
}

const REASON = /,?\s+\b(?:since|because|as|which|where|so|while|given|giving|for|when|if)\b/iu;
const CASES = /\b(?:for|when|if)\b/giu;

/** What stands before the reason in "5, since 3 * 5 = 15"; null where no reason follows a value, or where there are cases. */
function withoutReason(sentence: string): string | null {
  const match = REASON.exec(sentence);
  const head = sentence.slice(0, match?.index ?? 0);
  const hasCases = (sentence.match(CASES) ?? []).length > 1;
  return /[\d$)}]/u.test(head) && !hasCases ? head : null;
}

/** Up to the end of the line or sentence; a full stop inside a number ends nothing, nor does one inside maths. */
function firstSentence(segment: string): string {
  const text = segment.replace(/^\s+/u, "");
  const spans = mathSpans(text);
  for (const match of text.matchAll(/\n\s*\n|\n|(?:[.?]|(?<=[a-zA-Z])!)(?=\s+[A-ZÀ-Þ\\<*]|\s*$)/gu)) {
    const isInside = spans.some(({ start, end }) => match.index >= start && match.index < end);
    if (!isInside && match.index > 0) return text.slice(0, match.index);
  }
  return text;
}

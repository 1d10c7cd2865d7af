/** @file The part of a reply in which its answer stands: behind the thinking, before a next turn. */

const ANSWER_HEADING = "<|im_start|>answer";
const THINKING_END = /<\/think(?:ing)?>/giu;
const NEXT_TURN = /<\|im_start\|>(?:user|system)|<\|im_end\|>|<\|endoftext\|>|<\|eot_id\|>/u;

/**
 * The answer region as s1 has it (eval/lm-evaluation-harness, tasks/aime): what follows the last answer heading; without one,
 * what follows the end of thinking; without either, the whole reply. A next turn that the model went on to write is cut off.
 * The whole reply, where the region is empty.
 */
export function answerRegion(reply: string): string {
  const heading = reply.lastIndexOf(ANSWER_HEADING);
  const start = heading === -1 ? endOfThinking(reply) : heading + ANSWER_HEADING.length;
  const rest = reply.slice(start);
  const turn = NEXT_TURN.exec(rest)?.index ?? rest.length;
  const region = rest.slice(0, turn).trim();
  return region === "" && heading === -1 ? reply.trim() : region;
}

function endOfThinking(reply: string): number {
  let end = 0;
  for (const match of reply.matchAll(THINKING_END)) end = match.index + match[0].length;
  return end;
}

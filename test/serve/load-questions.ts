/** @file Short questions of the demo's kind under several settings: a load's replies must cost few tokens each. */

/** Bodies without model; the same ones each time. */
export function loadQuestions(): readonly object[] {
  const system = { role: "system", content: "Answer with the number alone." };
  return Array.from({ length: 12 }, (_, k) => ({
    messages: [...(k % 3 === 0 ? [system] : []), { role: "user", content: `${7 * k + 3} a+${k + 2} b*${(k % 4) + 2}` }],
    thinking: { budgetTokens: 4 + (k % 3) * 4, waits: k % 2, answerReserve: 8 },
    ...(k % 4 === 1 ? { temperature: 1, seed: k } : {}),
    ...(k % 4 === 2 ? { reasoning_effort: "low", thinking: { budgetTokens: 0, answerReserve: 8 } } : {}),
  }));
}

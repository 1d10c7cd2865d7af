// The same questions with a verifier of one's own: the last number of the reply, within one per cent.
import { defineTask, defineVerifier } from "grappa";

const numberOf = (text) => {
  const [whole, below] = text.replaceAll(",", "").split("/").map(Number);
  return below === undefined ? whole : whole / below;
};

export default defineTask({
  name: "kitchen-near",
  data: "kitchen.csv",
  prompt: "{question}",
  id: "id",
  metadata: ["topic"],
  verifier: defineVerifier({
    name: "within-one-per-cent",
    version: "1",
    verify: ({ reply, row }) => {
      const found = reply.slice(-1000).match(/[0-9][0-9.,]*(?:\/[0-9]+)?/g)?.at(-1);
      if (found === undefined) return { outcome: "no_answer" };
      const [got, wanted] = [numberOf(found.replace(/[.,]$/, "")), numberOf(String(row.answer))];
      return { outcome: Math.abs(got - wanted) <= Math.abs(wanted) / 100 ? "correct" : "incorrect", extracted: found };
    },
  }),
  holdOut: { share: 0.25 },
});

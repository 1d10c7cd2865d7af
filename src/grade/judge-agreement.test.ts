import fc from "fast-check";
import { expect, test } from "vitest";
import { judgeAgreement, type VerdictPair } from "./judge-agreement.ts";

const pairs = (rule: VerdictPair["rule"], judge: VerdictPair["judge"], count: number): VerdictPair[] =>
  Array.from({ length: count }, () => ({ rule, judge }));

test("a table of 20, 5, 10 and 15 has an agreement of 0.7 and a kappa of 0.4", () => {
  const found = judgeAgreement([
    ...pairs("correct", "correct", 20),
    ...pairs("correct", "incorrect", 5),
    ...pairs("incorrect", "correct", 10),
    ...pairs("incorrect", "incorrect", 15),
    ...pairs("correct", null, 2),
  ]);
  // Chance: (25 * 30 + 25 * 20) / 50^2 = 0.5; (0.7 - 0.5) / 0.5 = 0.4.
  expect(found).toMatchObject({ n: 50, silent: 2, agreement: 0.7, onlyRule: 5, onlyJudge: 10 });
  expect(found.kappa).toBeCloseTo(0.4, 12);
});

test("nothing compared is no agreement; agreement on one class alone has no kappa", () => {
  expect(judgeAgreement([])).toMatchObject({ n: 0, agreement: null, interval: null, kappa: null });
  expect(judgeAgreement(pairs("correct", "correct", 9))).toMatchObject({ agreement: 1, kappa: null });
});

test("a judge that always says the opposite never has a positive kappa", () => {
  fc.assert(
    fc.property(fc.nat(50), fc.nat(50), (right, wrong) => {
      const { kappa } = judgeAgreement([
        ...pairs("correct", "incorrect", right),
        ...pairs("incorrect", "correct", wrong),
      ]);
      expect(kappa === null || kappa <= 0).toBe(true);
    }),
  );
});

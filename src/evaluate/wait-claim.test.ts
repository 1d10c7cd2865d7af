import { describe, expect, it } from "vitest";
import { claimWait, type WaitEvidence } from "./wait-claim.ts";

interface Changes extends Partial<Omit<WaitEvidence, "wait">> {
  readonly wait?: Partial<WaitEvidence["wait"]>;
}

const evidence = (changes: Changes): WaitEvidence => ({
  firstPass: 0.7,
  slipless: 0.7,
  ...changes,
  wait: { waits: 1, n: 300, wrongToRight: 40, rightToWrong: 10, pValue: 0.0001, ...changes.wait },
});

describe("claimWait", () => {
  it.each<[string, Changes, ReturnType<typeof claimWait>]>([
    ["a gain beyond chance, first pass as good as without slips", {}, "claimed"],
    ["a first pass better than without slips", { firstPass: 0.8 }, "claimed"],
    ["three points behind, to the point", { firstPass: 0.67 }, "claimed"],
    ["more than three points behind", { firstPass: 0.669 }, "first-pass-worse"],
    ["control (a) not run", { slipless: null }, "control-missing"],
    ["p at the limit", { wait: { pValue: 0.05 } }, "not-significant"],
    ["more harm than help, however sure", { wait: { wrongToRight: 10, rightToWrong: 40 } }, "no-gain"],
    ["as much harm as help", { wait: { wrongToRight: 10, rightToWrong: 10, pValue: 1 } }, "no-gain"],
    ["nothing compared", { wait: { pValue: null } }, "not-compared"],
    ["nothing scored", { firstPass: null }, "not-compared"],
  ])("%s: %o is %s", (_, changes, claim) => {
    expect(claimWait(evidence(changes))).toBe(claim);
  });

  it("holds the margin in counts, where a share's last bit would decide", () => {
    expect(claimWait(evidence({ firstPass: 201 / 300, slipless: 210 / 300 }))).toBe("claimed");
    expect(claimWait(evidence({ firstPass: 200 / 300, slipless: 210 / 300 }))).toBe("first-pass-worse");
  });
});

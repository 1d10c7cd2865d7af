import { describe, expect, it } from "vitest";
import { direct, fakeRunResults, fakeScore, NATURAL, think } from "../../test/report/fake-run-results.ts";
import { terminalSummary } from "./terminal-summary.ts";

describe("terminalSummary", () => {
  it("prints a line a setting, the verdict, time and dollars", () => {
    const scores = [
      fakeScore({ model: "base", setting: direct, correct: 3, tokens: 0 }),
      fakeScore({ model: "student", setting: think(64), correct: 38, tokens: 61 }),
      fakeScore({ model: "student", setting: think(NATURAL), correct: 237, tokens: 182 }),
    ];
    expect(terminalSummary(fakeRunResults({ scores })).join("\n")).toMatchInlineSnapshot(`
      "  A model of 0.86 million parameters read 1,000 worked solutions. It now answers
        79 % of unseen questions; before, 1 %.

        held-out questions, n = 300                    right 95 % interval  tokens
        base, direct answer         ▏                  1.0 %     0.3–2.9 %       0
        student, cut at 64          ██                12.7 %    9.4–16.9 %      61
        student, natural end        ████████████▋     79.0 %   74.0–83.2 %     182

        On the same 300 held-out questions the student, thinking to its natural end,
        is right on 79.0 % and its base at its best (answering directly) on 1.0 %: the
        student is better (+78.0 points, 95 % interval +73.1 to +82.6; exact McNemar
        p < 0.001).
        Only the student was right on 235, only the base on 1 (exact McNemar,
        p < 0.0001). From its smallest budget to its natural end the student gains
        +79.0 points, 95 % interval +74.3 to +83.5 (p < 0.0001).
        s1's three measures. Scaling: +21.6 points for each doubling of thinking
        tokens (95 % interval +19.8 to +23.5). Control: 100 % of settings within their
        budget. Performance: 90.3 %.

        That Wait helps is not claimed: control (a), a student taught without slips,
        was not run (--controls runs it). With 1 forced Wait the student is right on
        89.0 % instead of 79.0 %: 38 wrong answers turned right, 8 right ones wrong
        (n = 300, exact McNemar p < 0.0001).

        seconds by stage            share of the time        time
        collect                                             0.6 s
        attempt                     ▋                        11 s
        trace                       ▌                       8.9 s
        grade                                               0.3 s
        select                                              0.1 s
        tokenize                                            0.2 s
        train                       █████████          2 min 31 s
        evaluate                    █████▊             1 min 36 s
        whole run                                      4 min 28 s

        4 min 28 s and $0, free: everything ran on this machine.
        s1's way, estimated at list prices of 2026-09-23 to 2026-10-07: $22.59–223.48
        (traces $2.38–142.50, fine-tune $18.65–76.12, evaluation $1.55–4.85)."
    `);
  });

  it("fits 80 columns and lets no control character through", () => {
    const results = fakeRunResults();
    const lines = terminalSummary({
      ...results,
      verdict: { ...results.verdict, sentence: `\u001b[2J\u0007${"word ".repeat(20)}${"w".repeat(200)}` },
      ledger: [{ ...results.ledger[0]!, stage: `\u001b]0;title\u0007${"s".repeat(200)}` }],
    });
    expect(lines.filter((line) => line.length > 80)).toEqual([]);
    expect(lines.join("")).not.toMatch(/\p{Cc}/u);
  });

  it("shows a dash where nothing was scored", () => {
    const scores = [fakeScore({ model: "student", setting: think(NATURAL), correct: 0, n: 0, tokens: 0 })];
    const lines = terminalSummary(fakeRunResults({ scores }));
    expect(lines.find((line) => line.includes("natural end"))).toMatch(/–\s+–\s+0$/);
  });
});

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { anyPrompt, CONTEXT, delimiters, hashedSource, slotCount } from "../../test/decode-model.ts";
import { decodeRows } from "./generate.ts";
import { finishTries, type RejectionLimit, type RejectionOutcome, RejectionTries } from "./rejection-sampling.ts";
import type { Generation, RowRequest } from "./row.ts";

/** Decodes over the scripted model, whose draws depend on the row's key as an engine's do. */
function decoder(slots: number) {
  const asked: RowRequest[] = [];
  const decode = async (request: RowRequest): Promise<readonly Generation[]> => {
    asked.push(request);
    const { source } = hashedSource(slots, CONTEXT);
    const keyed = { ...request, sampling: { ...request.sampling, temperature: keyNumber(request.sampling.key) } };
    const [generations] = await decodeRows(source, [keyed], { delimiters });
    return generations ?? [];
  };
  return { asked, decode };
}

/** The scripted model's draws are seeded by its temperature. */
const keyNumber = (key: string): number =>
  [...key].reduce((sum, letter) => sum * 31 + letter.charCodeAt(0), 7) % 65_521;

/** The plainest rejection sampling there can be: whole natural samples, one after another. */
async function triedAlone(request: RowRequest, { rejectAbove, maxTries }: RejectionLimit): Promise<RejectionOutcome> {
  const { decode } = decoder(1);
  let thrownAwayTokens = 0;
  for (let n = 0; n < maxTries; n++) {
    const key = n === 0 ? request.sampling.key : `${request.sampling.key}/try ${n}`;
    const natural = { mode: "think", budgetTokens: 10_000, waits: 0 } as const;
    const [whole] = await decode({ ...request, settings: [natural], sampling: { ...request.sampling, key } });
    const length = whole!.thinkingIds.length;
    if (whole!.end === "natural" && length <= rejectAbove)
      return { generation: whole!, tries: n + 1, thrownAwayTokens };
    thrownAwayTokens += Math.min(length, rejectAbove + 1);
  }
  return { generation: null, tries: maxTries, thrownAwayTokens };
}

describe("rejection sampling", () => {
  it("keeps the first sample that ends within the cap, each limit as if it were alone", async () => {
    const anyLimit = fc.record({
      rejectAbove: fc.integer({ min: 0, max: 12 }),
      maxTries: fc.integer({ min: 1, max: 6 }),
    });
    await fc.assert(
      fc.asyncProperty(
        anyPrompt,
        fc.array(anyLimit, { minLength: 1, maxLength: 4 }),
        slotCount,
        async (prompt, limits, slots) => {
          const request = { ...prompt, settings: [] };
          const outcomes = await finishTries(new RejectionTries(limits), request, decoder(slots).decode);
          expect(outcomes).toEqual(await Promise.all(limits.map((limit) => triedAlone(request, limit))));
        },
      ),
      { numRuns: 100 },
    );
  });

  it("gives up after maxTries, and has paid for one token more than the cap each time", async () => {
    const { asked, decode } = decoder(2);
    const never = async (request: RowRequest) =>
      (await decode(request)).map((generation) => ({ ...generation, end: "cut" as const, thinkingIds: [4, 4, 4, 4] }));
    const prompt = { promptIds: [4, 5], answerTokens: 2, sampling: { temperature: 1, key: "q" } };
    const outcomes = await finishTries(new RejectionTries([{ rejectAbove: 3, maxTries: 5 }]), prompt, never);
    expect(outcomes).toEqual([{ generation: null, tries: 5, thrownAwayTokens: 20 }]);
    expect(asked.map(({ sampling }) => sampling.key)).toEqual(["q", "q/try 1", "q/try 2", "q/try 3", "q/try 4"]);
  });

  it("decodes no answer for a try that is too long", async () => {
    const prompt = { promptIds: [4, 5, 6], answerTokens: 5, sampling: { temperature: 1, key: "" } };
    const settings = [{ mode: "think", budgetTokens: 1, waits: 0, stopsAtCap: true } as const];
    const [thrown] = await decodeRows(hashedSource(1, CONTEXT).source, [{ ...prompt, settings }], { delimiters });
    expect(thrown).toEqual([
      expect.objectContaining({ end: "cut", answerFinish: "length", answerIds: [], thinkingIds: [expect.any(Number)] }),
    ]);
  });
});

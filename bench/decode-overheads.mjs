// What a reply costs beside the engine's steps, and what a sweep costs beside its longest run.
import { decodeRows } from "../dist/decode/generate.js";
import { sweep } from "../dist/decode/sweep.js";
import { openDemoStudent, promptsOf } from "./demo-student.mjs";
import { say } from "./figures.mjs";
import { addSpread, spreadText } from "./spread.mjs";

const ROUNDS = 5;
const ANSWER_TOKENS = 24;
const greedy = { temperature: 0, key: "" };
const thinking = (budgetTokens) => ({ mode: "think", budgetTokens, waits: 0 });
/** The longest cuts three of four replies, as a budget does that is worth setting; see docs/performance.md. */
const BUDGETS = [32, 64, 128, 256, 512];

/**
 * `machineOverhead` (32 replies together) and `machineOverheadBatch1`: the time in which no step of the engine is under way, over
 * the time in which one is. The machine, the driver, and the turns of the event loop between them are in it.
 */
export async function measureOverhead(figures, threads) {
  for (const slots of [1, 32]) {
    const { model, source, delimiters, close } = await openDemoStudent({ threads, slots });
    const clock = timed(source);
    const requests = promptsOf(model, slots === 1 ? 8 : 64).map((promptIds) => ({
      promptIds,
      settings: [thinking(400)],
      answerTokens: ANSWER_TOKENS,
      sampling: greedy,
    }));
    const shares = [];
    let perToken = 0;
    for (let round = 0; round <= ROUNDS; round++) {
      clock.reset();
      const start = performance.now();
      await decodeRows(clock.source, requests, { delimiters });
      const outside = performance.now() - start - clock.ms();
      perToken = (outside * 1000) / clock.rows();
      if (round > 0) shares.push(outside / clock.ms());
    }
    await close();
    const name = slots === 1 ? "machineOverheadBatch1" : "machineOverhead";
    addSpread(figures, name, shares);
    figures[`${name}MicrosPerToken`] = perToken;
    say(`${name}: ${spreadText(shares, 4)}; ${perToken.toFixed(2)} us a token`);
  }
}

/**
 * `sweepOfLongest`: seconds of five budgets swept, over those of the longest alone; 64 prompts, 32 together, in turn.
 * `sweepOfLongestIds`: the same of ids computed, in which there is no chance.
 */
export async function measureSweep(figures, threads) {
  const { model, source, delimiters, close } = await openDemoStudent({ threads, slots: 32 });
  const prompts = promptsOf(model, 64).map((promptIds) => ({
    promptIds,
    answerTokens: ANSWER_TOKENS,
    sampling: greedy,
  }));
  let ids = 0;
  const extend = (rows) => {
    for (const row of rows) ids += row.ids.length;
    return source.extend(rows);
  };
  const run = async (budgets) => {
    ids = 0;
    const start = performance.now();
    const rows = await sweep({ ...source, extend }, prompts, { delimiters, settings: budgets.map(thinking) });
    return { ms: performance.now() - start, rows, ids };
  };
  const ratios = [];
  let rows = [];
  for (let round = 0; round <= ROUNDS; round++) {
    const longest = await run(BUDGETS.slice(-1));
    const swept = await run(BUDGETS);
    if (round > 0) ratios.push(swept.ms / longest.ms);
    ({ rows } = swept);
    figures.sweepOfLongestIds = swept.ids / longest.ids;
  }
  await close();
  addSpread(figures, "sweepOfLongest", ratios);
  const cut = BUDGETS.map((_, place) => rows.filter((row) => row[place].end === "cut").length);
  say(
    `sweepOfLongest: ${spreadText(ratios)}; budgets ${BUDGETS.join(", ")} cut ${cut.join(", ")} of ${rows.length}; ${figures.sweepOfLongestIds.toFixed(3)} of the ids`,
  );
}

/** A source, and the time that its steps take from being asked for to being there. What takes the time makes nobody wait. */
function timed(source) {
  let [ms, rows] = [0, 0];
  const extend = (wanted) => {
    const start = performance.now();
    const chosen = source.extend(wanted);
    const stop = () => {
      ms += performance.now() - start;
      rows += wanted.length;
    };
    chosen.then(stop, () => undefined);
    return chosen;
  };
  const reset = () => ([ms, rows] = [0, 0]);
  return { source: { ...source, extend }, ms: () => ms, rows: () => rows, reset };
}

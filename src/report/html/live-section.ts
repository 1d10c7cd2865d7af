/** @file The student inside the page: its controls as still markup, hidden until the script has woken them, and its data. */
import { sha256Base64 } from "../../core/hash.ts";
import {
  type CarriedStudent,
  LIVE_IDS,
  LIVE_MODELS,
  type LiveModelName,
  type LiveStudent,
  MOST_LIVE_WAITS,
} from "../live-student.ts";
import { type Markup, markup, trustedMarkup } from "../markup.ts";
import { noBreak } from "../number-format.ts";
import { oneLine } from "../plain-text.ts";
import { basisTag } from "./table.ts";

/** Second lock behind the escaping: even markup that slipped through could load or run nothing. */
const STILL_POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'";

/** The page's content security policy: no script at all, or the one carried script, its worker and its kernels. */
export function contentPolicy(live: LiveStudent | undefined): string {
  if (live?.status !== "carried") return STILL_POLICY;
  const script = `script-src 'sha256-${sha256Base64(live.script)}' 'wasm-unsafe-eval'`;
  return `${STILL_POLICY}; ${script}; worker-src blob:; connect-src 'none'`;
}

function modelsOf({ blocks }: CarriedStudent): readonly LiveModelName[] {
  return LIVE_MODELS.filter((name) => blocks[name] !== undefined);
}

function questionPicker({ payload }: CarriedStudent): Markup {
  const option = (text: string) => markup`<option>${oneLine(text, 200)}</option>`;
  const group = (label: string, isShown: boolean) => {
    const texts = payload.questions.filter((question) => question.isShown === isShown).map(({ text }) => text);
    return texts.length > 0 && markup`<optgroup label="${label}">${texts.map(option)}</optgroup>`;
  };
  return markup`<select id="${LIVE_IDS.pick}">${group("shown further down, with the replies of the run", true)}${group("others that were held out", false)}</select>`;
}

function waitChoice(waits: number): Markup {
  return markup`<label><input type="radio" name="${LIVE_IDS.waits}" value="${waits}"${waits === 0 ? markup` checked` : null}>${waits === 0 ? "none" : `${waits} ×`}</label>`;
}

function controls(live: CarriedStudent): Markup {
  const waits = Array.from({ length: MOST_LIVE_WAITS + 1 }, (_, count) => waitChoice(count));
  return markup`<form class="live-controls" id="${LIVE_IDS.form}">
<div class="live-ask"><label for="${LIVE_IDS.pick}">A held-out question</label>${questionPicker(live)}<button type="button" id="${LIVE_IDS.draw}">Draw another</button></div>
<div class="live-ask"><label for="${LIVE_IDS.question}">or your own</label><input type="text" id="${LIVE_IDS.question}" maxlength="200" spellcheck="false" autocomplete="off" autocapitalize="off" aria-describedby="${LIVE_IDS.facts} live-notation"><button type="submit" class="strong">Think</button></div>
<p class="small" id="${LIVE_IDS.facts}"></p>
<p class="small quiet" id="live-notation"><code>5 a+3 b*2</code> starts at 5 and takes its lettered steps from left to right: (5 + 3) × 2 = 16. A program prints <code>n</code>. Values stay within 0 to 999.</p>
<div class="live-dials"><div class="live-budget"><label for="${LIVE_IDS.budget}">Thinking budget: <output id="${LIVE_IDS.budgetText}" for="${LIVE_IDS.budget}"></output></label><input type="range" id="${LIVE_IDS.budget}" min="0" max="1" step="1" value="1"></div>
<fieldset><legend>Force “Wait” when it wants to end</legend>${waits}</fieldset></div>
<div class="live-run"><label><input type="checkbox" id="${LIVE_IDS.slow}" checked> at reading speed</label><button type="button" id="${LIVE_IDS.stop}" disabled>Stop</button><span class="small quiet" role="status" id="${LIVE_IDS.status}"></span></div></form>`;
}

const MODEL_TITLES: Readonly<Record<LiveModelName, string>> = {
  student: "the student",
  base: "its base, told to think",
};

function replyBox(name: LiveModelName): Markup {
  const title = MODEL_TITLES[name];
  return markup`<article class="reply ${name}" id="${LIVE_IDS.reply(name)}" aria-busy="false"><h3><span>${title}</span><span class="outcome"></span></h3>
<div class="text thinking" role="region" tabindex="0" aria-label="live thinking of ${title}"></div>
<div class="text answer" role="region" aria-label="live answer of ${title}"></div><p class="facts"></p></article>`;
}

/** The live section: hidden until the script finds that it can run; without one, why there is none. */
export function liveSection(live: LiveStudent | undefined): Markup {
  if (live === undefined) return markup``;
  if (live.status === "absent")
    return markup`<section aria-labelledby="live"><h2 id="live">Watch it think</h2><p class="quiet">${noBreak(live.reason)}</p></section>`;
  const models = modelsOf(live);
  const pair = models.length > 1 ? "The student and its base are" : "The student is";
  return markup`<section aria-labelledby="live" id="${LIVE_IDS.section}" hidden><h2 id="live">Watch it think</h2>
<p>${pair} inside this file and ${models.length > 1 ? "run" : "runs"} in your browser, offline: same weights, same engine, greedy as in the evaluation. Move the budget or force a “Wait”, and see what that does to the thinking. <mark>Marked text</mark> was forced; the model wrote the rest.</p>
${controls(live)}
<div class="replies live">${models.map(replyBox)}</div>
<p class="small quiet">One question at a time proves nothing; the intervals above do. Speeds are those of the machine on which you read this.${basisTag("measured")}</p></section>`;
}

/** The way to the live section from the top of the page, hidden like it. */
export function liveLink(live: LiveStudent | undefined): Markup {
  if (live?.status !== "carried") return markup``;
  return markup`<p id="${LIVE_IDS.link}" hidden><a href="#${LIVE_IDS.section}">Watch it think, live in this page</a></p>`;
}

/** JSON that can stand inside a script element: no `<` can open a tag there. */
function dataJson(value: unknown): Markup {
  return trustedMarkup(JSON.stringify(value).replaceAll("<", "\\u003c"));
}

/** Base64 as it is; anything else would be a bug of ours, and is refused rather than escaped. */
function base64(text: string): Markup {
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(text)) throw new Error("bug in grappa: a block of the page is not base64");
  return trustedMarkup(text);
}

/** Weights, kernels, facts and the script, for the end of the body: the report above is read before they are parsed. */
export function liveData(live: LiveStudent | undefined): Markup {
  if (live?.status !== "carried") return markup``;
  const { payload, blocks, script } = live;
  const block = (name: keyof typeof blocks) => {
    const text = blocks[name];
    return (
      text !== undefined &&
      markup`<script type="text/plain" id="${LIVE_IDS.block(name)}">${base64(text)}</script>
`
    );
  };
  return markup`<script type="application/json" id="${LIVE_IDS.payload}">${dataJson(payload)}</script>
${block("kernels")}${block("student")}${block("base")}<script id="${LIVE_IDS.script}">${trustedMarkup(script)}</script>
`;
}

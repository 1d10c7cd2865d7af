import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { fakeRunResults } from "../../../test/report/fake-run-results.ts";
import { checkNesting, readTags } from "../../../test/report/markup-check.ts";
import { htmlReport } from "../html-report.ts";
import type { CarriedStudent } from "../live-student.ts";

const ATTACK = `</script><img src=x onerror="alert(1)"><!-- & '`;
const LIVE: CarriedStudent = {
  status: "carried",
  payload: {
    config: {
      vocabularySize: 8,
      hiddenSize: 8,
      intermediateSize: 8,
      layers: 1,
      heads: 1,
      kvHeads: 1,
      headSize: 8,
      ropeTheta: 1,
      rmsNormEpsilon: 1,
      maxPositions: 8,
      isTied: true,
    },
    tensors: [{ name: `a${ATTACK}`, shape: [1] }],
    tokenizer: {
      vocabulary: [[ATTACK, 1]],
      merges: [],
      added: [],
      isNormalised: true,
      padToken: null,
      bosToken: null,
      layout: "qwen2",
      plainAdded: [],
      ignoresMerges: false,
    },
    style: "s1",
    chatTemplate: ATTACK,
    answerTokens: 16,
    questions: [
      { text: `1 a+1${ATTACK}`, isShown: true },
      { text: "2 a+2", isShown: false },
    ],
    heldOut: { bucket: "test", difficulty: [3, 5] },
  },
  blocks: { kernels: "AAAA", student: "BBBB", base: "CCC=" },
  script: "start(1 + 1);",
};
const page = htmlReport(fakeRunResults(), LIVE);
/** The page without what stands inside script elements, which is no markup. */
const still = page.replace(/(<script[^>]*>)[^]*?<\/script>/g, "$1</script>");

describe("a page with a student", () => {
  it("allows the one script by its hash, its worker and its kernels, and no connection", () => {
    const hash = createHash("sha256").update(LIVE.script).digest("base64");
    const policy = /Content-Security-Policy" content="([^"]*)"/.exec(page)?.[1]?.replaceAll("&#39;", "'").split("; ");
    expect(policy).toEqual([
      "default-src 'none'",
      "style-src 'unsafe-inline'",
      "img-src data:",
      "base-uri 'none'",
      "form-action 'none'",
      `script-src 'sha256-${hash}' 'wasm-unsafe-eval'`,
      "worker-src blob:",
      "connect-src 'none'",
    ]);
    expect(page).toContain(`<script id="live-script">${LIVE.script}</script>`);
  });

  it("holds five script elements, of which one is a script, and nothing that the run wrote can end one", () => {
    const types = [...page.matchAll(/<script([^>]*)>/g)].map(([, attributes]) => attributes);
    expect(types).toEqual([
      ' type="application/json" id="live-payload"',
      ' type="text/plain" id="live-block-kernels"',
      ' type="text/plain" id="live-block-student"',
      ' type="text/plain" id="live-block-base"',
      ' id="live-script"',
    ]);
    expect(page.match(/<\/script>/g)).toHaveLength(5);
    const json = /id="live-payload">([^<]*)<\/script>/.exec(page)?.[1] ?? "";
    expect(JSON.parse(json)).toEqual(LIVE.payload);
  });

  it("is hidden until the script wakes it, and is markup like the rest", () => {
    expect(page).toContain('id="live-section" hidden>');
    expect(page).toContain('<p id="live-link" hidden><a href="#live-section">');
    const tags = readTags(still);
    checkNesting(tags);
    const ids = tags.map(({ attributes }) => attributes.get("id")).filter((id) => id !== undefined);
    expect(new Set(ids).size).toBe(ids.length);
    const labelled = tags.filter(({ name }) => name === "label").map(({ attributes }) => attributes.get("for"));
    expect(labelled.filter((target) => target !== undefined && !ids.includes(target))).toEqual([]);
  });

  it("offers the questions, those of the report apart, as text", () => {
    expect(still).toMatch(/<optgroup label="shown[^"]*"><option>1 a\+1&lt;\/script&gt;[^<]*<\/option><\/optgroup>/);
    expect(still).toContain("<option>2 a+2</option>");
  });

  it("has a box for the base only where the base is on board", () => {
    expect(page).toContain('id="live-reply-base"');
    const alone = htmlReport(fakeRunResults(), { ...LIVE, blocks: { kernels: "AAAA", student: "BBBB" } });
    expect(alone).not.toContain("live-reply-base");
    expect(alone).toContain("The student is inside this file");
  });

  it("refuses a block that is not base64", () => {
    const blocks = { kernels: "AAAA", student: "</script>" };
    expect(() => htmlReport(fakeRunResults(), { ...LIVE, blocks })).toThrow("not base64");
  });
});

describe("a page without a student", () => {
  it("says why in a line, and has no script", () => {
    const text = htmlReport(fakeRunResults(), { status: "absent", reason: `too large ${ATTACK}` });
    expect(text).toContain("too large &lt;/script&gt;");
    expect(text).not.toContain("<script");
    expect(text).not.toContain("script-src");
    checkNesting(readTags(text));
  });
});

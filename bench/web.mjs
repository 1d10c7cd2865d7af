// The page of traces over a run of 60,000, in the system's Chromium: first paint, search, scrolling by the browser's own trace.
// node bench/web.mjs [--rows N] [--thinking CHARACTERS] [--json]   (needs a build, and GRAPPA_CHROMIUM or /usr/bin/chromium)
import { spawn } from "node:child_process";
import { mkdtempSync, mkdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { nodeFileSystem } from "../dist/adapters/file-system.js";
import { finishStage, stageFolder } from "../dist/pipeline/stage-folder.js";
import { prng } from "../dist/core/prng.js";
import { finish, flag, say } from "./figures.mjs";

const rows = Number(flag("rows") ?? 60_000);
const thinkingCharacters = Number(flag("thinking") ?? 4_000);
const KEY = "0123456789abcdef";
const WORDS =
  "let the sum of all digits be prime so that we find $x^2$ modulo seven wait check again number root".split(" ");

const quantile = (values, share) => [...values].sort((a, b) => a - b)[Math.floor(share * (values.length - 1))];

/** A run of made-up traces whose questions are 300 characters or so; one thinking in a thousand says "zebra". */
async function makeRun(folder) {
  const random = prng("bench/web");
  const words = (characters) => {
    let text = "";
    while (text.length < characters) text += `${WORDS[random.int(0, WORDS.length - 1)]} `;
    return text;
  };
  const id = (kind, place) => `${kind}${place.toString(16).padStart(15, "0")}`;
  const ids = (place) => ({ schemaVersion: 1, traceId: id("b", place), questionId: id("a", place) });
  const usage = { promptTokens: 1, completionTokens: 1, reasoningTokens: 1, isEstimated: false };
  const trace = { provider: "p", model: "m", sampleIndex: 0, answer: "4", provenance: "raw", finishReason: "stop" };
  const question = { answer: "4", family: "f", difficulty: 1, bucket: "train", metadata: {} };
  const common = words(thinkingCharacters);
  const isSelected = (place) => place % 60 === 0;
  const files = {
    collect: {
      "questions.jsonl": (place) => ({
        schemaVersion: 1,
        id: id("a", place),
        text: `${place} ${words(random.int(100, 500))}`,
        domain: `d${place % 40}`,
        ...question,
      }),
    },
    trace: {
      "traces.jsonl": (place) => ({
        schemaVersion: 1,
        id: id("b", place),
        questionId: id("a", place),
        ...trace,
        thinking: `${place % 1000 === 7 ? "zebra " : ""}${common}`,
        usage,
        costMicroUsd: 1,
      }),
    },
    grade: {
      "grades.jsonl": (place) => ({ ...ids(place), grade: { outcome: "correct", extracted: "4", rule: "r" } }),
      "lengths.jsonl": (place) => ({ schemaVersion: 1, traceId: id("b", place), thinkingTokens: place % 9000 }),
    },
    select: {
      "selection.jsonl": (place) =>
        isSelected(place) && { ...ids(place), rank: place, domain: "d", thinkingTokens: 1, reason: "random" },
      "dropped.jsonl": (place) =>
        !isSelected(place) && {
          schemaVersion: 1,
          id: id("b", place),
          stage: "select",
          reason: "not-drawn",
          detail: "",
        },
    },
  };
  mkdirSync(folder, { recursive: true });
  writeFileSync(
    join(folder, "run.json"),
    JSON.stringify({ schemaVersion: 1, run: "big", createdBy: "bench", command: "bench" }),
  );
  const event = (type, stage) =>
    `${JSON.stringify({ schemaVersion: 1, at: "2026-01-01T00:00:00Z", type, stage, key: KEY, note: "" })}\n`;
  const names = Object.keys(files);
  writeFileSync(
    join(folder, "events.jsonl"),
    names.map((name) => event("stage-start", name) + event("stage-end", name)).join(""),
  );
  const fs = nodeFileSystem();
  for (const name of names) {
    const place = stageFolder(folder, name, KEY);
    for (const [file, rowAt] of Object.entries(files[name])) {
      const writer = await fs.openWriter(join(place, file));
      for (let at = 0; at < rows; at++) {
        const row = rowAt(at);
        if (row !== false) await writer.write(`${JSON.stringify(row)}\n`);
      }
      await writer.close();
    }
    const identity = { key: KEY, config: {}, facts: {}, inputs: {} };
    await finishStage(fs, place, { stage: { name, codeVersion: 1 }, identity, summary: {} });
  }
  return statSync(join(stageFolder(folder, "trace", KEY), "traces.jsonl")).size;
}

async function serve(folder) {
  const child = spawn(process.execPath, ["dist/cli/main.js", "ui", folder, "--port", "0", "--json"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const told = await new Promise((resolve) => child.stdout.once("data", (data) => resolve(JSON.parse(String(data)))));
  return { ...told, child, headers: { authorization: `Bearer ${told.address.split("#token=")[1]}` } };
}

/** Milliseconds from the address to the first paint, and to the first rows. */
async function firstPaint(browser, { address, url }) {
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
  await page.goto(address);
  await page.waitForSelector(".runs [data-row]");
  await page.goto("about:blank");
  const began = performance.now();
  await page.goto(`${url}/#/run/big/traces`);
  await page.waitForSelector(".virtual-row .line");
  const rowsMs = performance.now() - began;
  const paintMs = await page.evaluate(
    () => performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? null,
  );
  return { page, paintMs, rowsMs };
}

async function searches({ url, headers }) {
  const wall = [];
  const own = [];
  for (const q of [
    "prime",
    "zebra",
    "digits modulo seven",
    "59999",
    "x^2 root",
    "nothing of the kind",
    "a",
    "wait check",
    "12345",
    "sum",
  ]) {
    const began = performance.now();
    const answer = await (await fetch(`${url}/api/runs/big/traces?q=${encodeURIComponent(q)}`, { headers })).json();
    wall.push(performance.now() - began);
    own.push(answer.searchMs);
  }
  return { wall, own };
}

async function searchThinking({ url, headers }) {
  const began = performance.now();
  const response = await fetch(`${url}/api/runs/big/thinking-search?q=zebra`, { headers });
  let firstMs = null;
  let text = "";
  for await (const part of response.body) {
    text += Buffer.from(part).toString();
    if (firstMs === null && text.includes('"around"')) firstMs = performance.now() - began;
  }
  const found = JSON.parse(text.trimEnd().split("\n").at(-1).slice("data: ".length)).matched;
  return { firstMs, allMs: performance.now() - began, found };
}

/** Scrolls with the wheel down the list, and reads the browser's own trace: time between frames, tasks of the page's thread. */
async function scroll(browser, page) {
  // No more than what is read below: tracing every task of every process slows the frames that are measured.
  const categories = ["devtools.timeline", "disabled-by-default-devtools.timeline"];
  await page.mouse.move(300, 600);
  await browser.startTracing(page, { categories });
  const began = performance.now();
  while (performance.now() - began < 8000) {
    await page.mouse.wheel(0, 900);
    await page.waitForTimeout(16);
  }
  const { traceEvents } = JSON.parse((await browser.stopTracing()).toString());
  const threads = traceEvents.filter(({ name, args }) => name === "thread_name" && args.name === "CrRendererMain");
  const isMain = ({ pid, tid }) => threads.some((thread) => thread.pid === pid && thread.tid === tid);
  const ran = traceEvents.filter((event) => event.name === "RunTask" && event.dur !== undefined && isMain(event));
  const tasks = ran.map(({ dur }) => dur / 1000);
  const processorMs = ran.reduce((sum, { tdur = Number.NaN }) => sum + tdur / 1000, 0);
  const frames = traceEvents
    .filter(({ name }) => name === "AnimationFrame::Presentation")
    .map(({ ts }) => ts / 1000)
    .sort((a, b) => a - b);
  const gaps = frames.slice(1).map((at, place) => at - frames[place]);
  const top = await page.evaluate(() => document.querySelector(".virtual-list").scrollTop);
  return { gaps, tasks, processorMs, rows: Math.round(top / 56) };
}

const folder = mkdtempSync(join(tmpdir(), "grappa-bench-web-"));
let server;
let browser;
try {
  const bytes = await makeRun(join(folder, "big"));
  say(`${rows} traces, ${Math.round(bytes / 1e6)} MB; load ${loadavg()[0].toFixed(1)} before`);
  server = await serve(folder);
  browser = await chromium.launch({
    executablePath: process.env.GRAPPA_CHROMIUM || "/usr/bin/chromium",
    args: ["--no-sandbox"],
  });
  const cold = await firstPaint(browser, server);
  const { index } = await (
    await fetch(`${server.url}/api/runs/big/traces?count=0`, { headers: server.headers })
  ).json();
  await cold.page.close();
  const warm = await firstPaint(browser, server);
  const { wall, own } = await searches(server);
  const thinking = await searchThinking(server);
  const { gaps, tasks, processorMs, rows: scrolled } = await scroll(browser, warm.page);
  const figures = {
    indexSeconds: index.seconds,
    indexTextMegabytes: index.textBytes / 1e6,
    firstPaintMs: cold.paintMs,
    firstRowsMs: cold.rowsMs,
    nextPaintMs: warm.paintMs,
    nextRowsMs: warm.rowsMs,
    searchQuestionsMedianMs: quantile(wall, 0.5),
    searchQuestionsMostMs: Math.max(...wall),
    searchQuestionsMostMsOfServer: Math.max(...own),
    searchThinkingFirstMs: thinking.firstMs,
    searchThinkingAllMs: thinking.allMs,
    searchThinkingFound: thinking.found,
    scrolledRows: scrolled,
    scrollFrames: gaps.length + 1,
    scrollFrameMedianMs: quantile(gaps, 0.5),
    scrollFrameP95Ms: quantile(gaps, 0.95),
    scrollFrameMostMs: Math.max(...gaps),
    // Of the page's thread, whatever else the machine does meanwhile.
    scrollProcessorMsOfFrame: processorMs / (gaps.length + 1),
    scrollLongestTaskMs: Math.max(...tasks),
    scrollTasksOver100Ms: tasks.filter((ms) => ms > 100).length,
  };
  const facts = {
    traces: rows,
    megabytes: Math.round(bytes / 1e6),
    load: loadavg()[0].toFixed(1),
    chromium: browser.version(),
  };
  finish("web", figures, facts);
} finally {
  await browser?.close();
  server?.child.kill("SIGTERM");
  rmSync(folder, { recursive: true, force: true });
}

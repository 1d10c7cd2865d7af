/** @file `grappa curate`, `show` and `verify` on a run of real stages, made once by the real program. */
import { spawn, spawnSync } from "node:child_process";
import { appendFileSync, cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { canonicalJson, sha256Hex, shortHash } from "../src/core/hash.ts";
import type { Curation } from "../src/pipeline/curation.ts";
import type { QuestionStory } from "../src/pipeline/question-story.ts";
import type { RunVerification } from "../src/pipeline/verify-run.ts";
import type { StageManifest } from "../src/schema/manifest.ts";
import type { Dropped, Question, Selection, Trace } from "../src/schema/records.ts";
import { fakeMachine, type FakeMachine } from "./fake-cli.ts";

const MAIN = join(import.meta.dirname, "../dist/cli/main.js");
/** s1's order, so that the difficulty shows in the funnel of the selection. */
const RECIPE = ["smoke", "--set", "order=s1", "--set", "select.count=40"];

let origin: string;
let told: Curation & { readonly run: string };
let machine: FakeMachine;
let run: string;

beforeAll(() => {
  origin = mkdtempSync(join(tmpdir(), "grappa-curated-"));
  const args = [MAIN, "curate", ...RECIPE, "--run", "made", "--json"];
  const { stdout, stderr, status } = spawnSync(process.execPath, args, { cwd: origin, encoding: "utf8" });
  expect(status, stderr).toBe(0);
  told = JSON.parse(stdout) as typeof told;
}, 120_000);
afterAll(() => rmSync(origin, { recursive: true, force: true }));

beforeEach(async () => {
  machine = await fakeMachine();
  run = join(machine.folder, "runs/made");
  cpSync(join(origin, "made"), run, { recursive: true });
});
afterEach(() => rm(machine.folder, { recursive: true, force: true }));

function rows<T>(file: string): T[] {
  const text = readFileSync(join(run, file), "utf8").trimEnd();
  return text === "" ? [] : text.split("\n").map((line) => JSON.parse(line) as T);
}

const stageFolder = (stage: string): string =>
  `stages/${readdirSync(join(run, "stages")).find((name) => name.startsWith(`${stage}-`))}`;

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? filesBelow(join(folder, entry.name)) : [join(folder, entry.name)],
  );
}

describe("curate", () => {
  test("writes a funnel that adds up, the selection, and every row that was dropped", () => {
    const { funnel, chosenBy } = JSON.parse(readFileSync(join(run, "funnel.json"), "utf8")) as Curation;
    expect(told.funnel).toEqual(funnel);
    expect(funnel.map(({ stage }) => stage)).toEqual([
      "collect",
      "difficulty",
      "trace",
      "grade",
      "difficulty",
      "quality",
      "select",
    ]);
    for (const { in: total, kept, dropped, reasons } of funnel) {
      expect(kept + dropped).toBe(total);
      expect(Object.values(reasons).reduce((sum, count) => sum + count, 0)).toBe(dropped);
    }
    // Every step takes what the one before kept; in s1's order what was solved is traced all the same.
    for (const place of [3, 4, 5, 6]) expect(funnel[place]?.in).toBe(funnel[place - 1]?.kept);
    expect(funnel[2]?.in).toBe(funnel[0]?.kept);
    const dropped = rows<Dropped>("dropped.jsonl");
    expect(dropped).toHaveLength(funnel.reduce((sum, step) => sum + step.dropped, 0));
    const selection = rows<Selection>("selection.jsonl");
    expect(selection.map(({ rank }) => rank)).toEqual(Array.from({ length: 40 }, (_, rank) => rank));
    expect(chosenBy).toEqual({ "uniform-domain": 40 });
  });

  test.each(["trace", "grade", "select"])(
    "killed once %s is done, the same command ends with the same bytes",
    async (stage) => {
      const folder = join(origin, `killed-${stage}`);
      const args = [MAIN, "curate", ...RECIPE, "--run", folder];
      const child = spawn(process.execPath, args, { cwd: origin });
      let seen = "";
      child.stderr.on("data", (text: Buffer) => {
        seen += text.toString();
        if (new RegExp(`^${stage} +done`, "m").test(seen)) child.kill("SIGKILL");
      });
      await new Promise((resolve) => child.on("close", resolve));
      expect(seen).toMatch(new RegExp(`^${stage} +done`, "m"));
      const again = spawnSync(process.execPath, args, { cwd: origin, encoding: "utf8" });
      expect(again.status, again.stderr).toBe(0);
      for (const name of ["funnel.json", "selection.jsonl", "dropped.jsonl"])
        expect(readFileSync(join(folder, name), "utf8"), name).toBe(readFileSync(join(origin, "made", name), "utf8"));
    },
    120_000,
  );
});

describe("triage", () => {
  const decide = (...decisions: readonly (readonly [string, string])[]) =>
    appendFileSync(
      join(run, "triage.jsonl"),
      decisions
        .map(([traceId, decision]) => `${JSON.stringify({ schemaVersion: 1, at: "now", traceId, decision })}\n`)
        .join(""),
    );
  const curate = () => {
    const args = [MAIN, "curate", ...RECIPE, "--run", run];
    const { stderr, status } = spawnSync(process.execPath, args, { cwd: machine.folder, encoding: "utf8" });
    expect(status, stderr).toBe(0);
    return stderr;
  };

  test("kept traces are selected, dropped ones are not, and verify makes the same again", async () => {
    const before = rows<Selection>("selection.jsonl").map(({ traceId }) => traceId);
    const dropped = rows<Dropped>("dropped.jsonl");
    const idOf = (reason: string) => dropped.find((row) => row.reason === reason)?.id ?? "";
    const [undrawn, wrong, cut] = [idOf("not-drawn"), idOf("not-correct"), idOf("not-finished")];
    const [first = "", second = ""] = before;
    const gone = "f".repeat(16);
    decide([first, "drop"], [second, "drop"], [second, "none"], [undrawn, "keep"], [wrong, "keep"], [cut, "keep"]);
    decide([gone, "keep"]);
    const said = curate();
    expect(said).toContain("kept by hand and left out all the same: 1 traces; dropped.jsonl says why");
    expect(said).toContain("kept by hand, but not of this run any more: 1 traces; triage.jsonl names them");
    const after = rows<Selection>("selection.jsonl");
    expect(after).toHaveLength(40);
    const byHand = after.filter(({ reason }) => reason === "by-hand").map(({ traceId }) => traceId);
    expect(byHand).toEqual([undrawn, wrong].sort());
    expect(after.map(({ rank }) => rank)).toEqual(Array.from({ length: 40 }, (_, rank) => rank));
    expect(after.map(({ traceId }) => traceId)).not.toContain(first);
    expect(rows<Dropped>("dropped.jsonl").find(({ id }) => id === first)?.reason).toBe("dropped-by-hand");
    expect(rows<Dropped>("dropped.jsonl").find(({ id }) => id === cut)?.reason).toBe("not-finished");
    expect(JSON.parse((await machine.run("verify", "made", "--json")).stdout)).toMatchObject({
      selected: 40,
      problems: [],
    });
    // What is decided since is for the next selection, and makes this one no less right.
    decide([first, "none"], [undrawn, "none"], [wrong, "none"], [cut, "none"], [gone, "none"]);
    expect(JSON.parse((await machine.run("verify", "made", "--json")).stdout)).toMatchObject({ problems: [] });
    // Without decisions it is the selection that it was, found under its old key.
    expect(curate()).not.toMatch(/^select +done/m);
    expect(rows<Selection>("selection.jsonl").map(({ traceId }) => traceId)).toEqual(before);
  }, 120_000);
});

describe("verify", () => {
  test("finds a run as it was written, and makes its selection again", async () => {
    const { stdout, exitCode } = await machine.run("verify", "made");
    expect(stdout).toMatch(
      /^runs\/made: 5 stages, \d+ files of [\d,]+ bytes .* the selection of 40 rows made again, byte for byte\n$/,
    );
    expect(exitCode).toBe(0);
    const found = JSON.parse((await machine.run("verify", "made", "--json")).stdout) as RunVerification;
    expect(found).toMatchObject({ selected: 40, problems: [] });
    expect(found.stages).toEqual(["collect", "attempt", "trace", "grade", "select"]);
  });

  test("names the file in which one byte is flipped, whichever it is", async () => {
    const files = [
      ...filesBelow(join(run, "stages")).filter((path) => readFileSync(path).length > 0),
      ...["funnel.json", "selection.jsonl", "dropped.jsonl"].map((name) => join(run, name)),
    ];
    expect(files.length).toBeGreaterThan(14);
    for (const path of files) {
      const bytes = readFileSync(path);
      // In a manifest a byte of its output hash: what it says of a stage's work in words is in no hash.
      const places = path.endsWith("manifest.json")
        ? [bytes.indexOf('"outputHash": "') + 20, bytes.indexOf('"key": "') + 10, bytes.length - 2]
        : [0, bytes.length >> 1, bytes.length - 1];
      for (const place of places) {
        const flipped = Buffer.from(bytes);
        flipped[place] = (flipped[place] as number) ^ 1;
        writeFileSync(path, flipped);
        const { stdout, exitCode } = await machine.run("verify", "made", "--json");
        const where = `${relative(run, path)} at ${place}`;
        expect(exitCode, where).toBe(4);
        const { error } = JSON.parse(stdout) as { error: { code: string; message: string } };
        expect(error.code, where).toBe("file-corrupt");
        expect(error.message, where).toContain(relative(run, path));
      }
      writeFileSync(path, bytes);
    }
    expect((await machine.run("verify", "made")).exitCode).toBe(0);
  });

  test("is not taken in by a selection whose hashes were made to fit", async () => {
    const folder = join(run, stageFolder("select"));
    const selection = rows<Selection>("selection.jsonl");
    const [first, second] = [selection[0] as Selection, selection[1] as Selection];
    const swapped = [{ ...second, rank: 0 }, { ...first, rank: 1 }, ...selection.slice(2)];
    const text = swapped.map((row) => `${JSON.stringify(row)}\n`).join("");
    writeFileSync(join(folder, "selection.jsonl"), text);
    const manifest = JSON.parse(readFileSync(join(folder, "manifest.json"), "utf8")) as StageManifest;
    const files = manifest.files.map((file) =>
      file.path === "selection.jsonl" ? { ...file, bytes: Buffer.byteLength(text), sha256: sha256Hex(text) } : file,
    );
    const forged = { ...manifest, files, outputHash: sha256Hex(canonicalJson(files)) };
    writeFileSync(join(folder, "manifest.json"), `${JSON.stringify(forged, null, 2)}\n`);
    const { stderr, exitCode } = await machine.run("verify", "made");
    expect(exitCode).toBe(4);
    expect(stderr).toContain("selection.jsonl: line 1 is not what the inputs give");
  });

  test("notices another recipe beside the stages", async () => {
    const path = join(run, "recipe.resolved.json");
    writeFileSync(path, readFileSync(path, "utf8").replace('"count": 40', '"count": 41'));
    const { stderr, exitCode } = await machine.run("verify", "made");
    expect(exitCode).toBe(4);
    expect(stderr).toContain("its settings are not those of recipe.resolved.json");
  });

  test("says where there is no run", async () => {
    expect(await machine.run("verify", "nothing")).toMatchObject({ exitCode: 4, stdout: "" });
  });
});

describe("show", () => {
  test("tells a selected question's whole story, by its id or its trace's", async () => {
    const [{ questionId, traceId, domain, thinkingTokens }] = rows<Selection>("selection.jsonl") as [Selection];
    const { stdout, exitCode } = await machine.run("show", questionId);
    expect(exitCode).toBe(0);
    expect(stdout).toContain(`question ${questionId}`);
    expect(stdout).toContain("incorrect by answer-line/integer");
    expect(stdout).toContain(`trace ${traceId}`);
    expect(stdout).toContain("ended by stop, thinking is raw");
    expect(stdout).toContain(`selected: rank 0, uniform-domain, domain ${domain}`);
    expect(stdout).toMatch(new RegExp(`so {2}selected at rank 0 with trace ${traceId}\n$`));
    expect((await machine.run("show", traceId.slice(0, 12), "--run", "made")).stdout).toBe(stdout);
    const story = JSON.parse((await machine.run("show", questionId, "--json")).stdout) as QuestionStory;
    expect(story.traces[0]).toMatchObject({ thinkingTokens, selection: { rank: 0, domain }, exampleTokens: null });
    expect(story.question.id).toBe(questionId);
    expect(story.attempts).toHaveLength(1);
  });

  test("says where a question or its trace was dropped, and why", async () => {
    const dropped = rows<Dropped>("dropped.jsonl");
    const endingOf = async (reason: string): Promise<string> => {
      const row = dropped.filter((one) => one.reason === reason).at(-1) as Dropped;
      return (await machine.run("show", row.id)).stdout.trimEnd().split("\n").at(-1) ?? "";
    };
    expect(await endingOf("solved-by-base")).toBe("so  dropped at difficulty: solved-by-base");
    expect(await endingOf("not-correct")).toBe("so  dropped at quality: not-correct");
    expect(await endingOf("not-drawn")).toBe("so  dropped at select: not-drawn");
    expect(await endingOf("malformed-reply")).toBe("so  dropped at trace: malformed-reply");
  });

  test("shows no control character of a trace, and texts whole if asked", async () => {
    const path = join(run, stageFolder("trace"), "traces.jsonl");
    const traces = rows<Trace>(relative(run, path));
    const [first] = traces as [Trace];
    const hostile = { ...first, thinking: `\u001b[2J${"long ".repeat(100)}end` };
    // The file's size must be as its manifest says, or the stage counts as damaged.
    const text = [hostile, ...traces.slice(1)].map((row) => `${JSON.stringify(row)}\n`).join("");
    writeFileSync(path, text);
    const manifestPath = join(run, stageFolder("trace"), "manifest.json");
    const manifest = JSON.parse(readFileSync(manifestPath, "utf8")) as StageManifest;
    const files = manifest.files.map((file) =>
      file.path === "traces.jsonl" ? { ...file, bytes: Buffer.byteLength(text) } : file,
    );
    writeFileSync(manifestPath, JSON.stringify({ ...manifest, files }));
    const { stdout } = await machine.run("show", first.id);
    expect(stdout).toContain("<1b>[2Jlong");
    expect(stdout).not.toContain("\u001b");
    expect(stdout).not.toContain("long end");
    expect((await machine.run("show", first.id, "--full")).stdout).toContain("long end");
  });

  test("says what is no id, which runs were looked through, and which of several it could be", async () => {
    expect((await machine.run("show", "xyz")).exitCode).toBe(2);
    const nowhere = await machine.run("show", shortHash("no question"));
    expect(nowhere.exitCode).toBe(4);
    expect(nowhere.stderr).toContain("looked in runs/made");
    cpSync(run, join(machine.folder, "runs/other"), { recursive: true });
    const [{ id }] = rows<Question>(join(stageFolder("collect"), "questions.jsonl")) as [Question];
    const several = await machine.run("show", id);
    expect(several.exitCode).toBe(2);
    expect(several.stderr).toContain("in 2 runs: runs/made, runs/other");
    expect((await machine.run("show", id, "--run", "other")).exitCode).toBe(0);
  });
});

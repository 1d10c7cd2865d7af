/** @file `grappa evaluate` with everything real but the model: tasks from files, grader, sandbox, endpoint over a socket. */
import { copyFile, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { openCodeRunner } from "../src/adapters/sandbox/open-code-runner.ts";
import { CODE_GRADER_VERSION } from "../src/grade/code/verify-code.ts";
import { nodeServices } from "../src/cli/services.ts";
import { EvaluationSample } from "../src/schema/evaluation.ts";
import { type FakeMachine, fakeMachine } from "./fake-cli.ts";
import { completion, type Script, type ScriptedServer, send, startScriptedServer } from "./teacher/scripted-server.ts";

let machine: FakeMachine;
let server: ScriptedServer | undefined;
beforeAll(async () => {
  machine = await fakeMachine(nodeServices);
});
afterEach(async () => {
  await server?.close();
  server = undefined;
});
afterAll(() => rm(machine.folder, { recursive: true, force: true }));

/** Evaluates an endpoint that answers as the script says, free of charge; gives the command's JSON and the log. */
async function evaluate(script: Script, ...flags: string[]) {
  server = await startScriptedServer(script);
  const endpoint = ["--endpoint", server.baseUrl, "--model", "m", "--input-price", "0", "--output-price", "0"];
  const outcome = await machine.run("evaluate", ...endpoint, ...flags, "--json");
  const json = JSON.parse(outcome.stdout.trim().split("\n").at(-1) ?? "") as {
    readonly folder: string;
    readonly published: readonly object[];
  };
  const path = join(machine.folder, json.folder ?? "", "samples.jsonl");
  const samples = (await readFile(path, "utf8").catch(() => ""))
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => EvaluationSample.parse(JSON.parse(line)));
  return { ...outcome, json, samples };
}

describe("maths", () => {
  const golds: Readonly<Record<string, string>> = { "1": "204", "2": "25", "3": "073", "4": "809" };
  const replies: Readonly<Record<string, string>> = {
    "1": "So the time is $\\boxed{204}$ minutes.",
    "2": "The answer is 26.",
    "3": "**Answer:** 73",
    "4": "I cannot tell.",
  };

  test("an AIME-shaped file: right, wrong, leading zeros, no answer; several samples; published results beside", async () => {
    const rows = Object.keys(golds).map((n) => ({ ID: `2024-I-${n}`, Problem: `Problem ${n}.`, Answer: golds[n] }));
    await writeFile(join(machine.folder, "aime.jsonl"), rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
    const script: Script = (response, { body }) =>
      send(response, completion("Let me think.", replies[/\d+/.exec(body.messages[0]!.content)?.[0] ?? ""] ?? ""));
    const { json, samples, exitCode } = await evaluate(script, "--task", "aime24:2", "--data", "aime.jsonl");
    expect(exitCode).toBe(0);
    expect(json).toMatchObject({
      evaluation: {
        task: { name: "aime24", questions: 4, source: "aime.jsonl" },
        samplesPerQuestion: 2,
        temperature: 0.7,
      },
      summary: { settings: [{ accuracy: { value: 0.5, questions: 4, samples: 8 }, rates: { noAnswer: 0.25 } }] },
    });
    expect(json.published.length).toBeGreaterThan(10);
    const outcomes = samples.filter(({ sampleIndex }) => sampleIndex === 0).map(({ verdict }) => verdict.outcome);
    expect(outcomes.sort()).toEqual(["correct", "correct", "incorrect", "no_answer"]);
    expect(server?.requests).toHaveLength(8);
  });

  test("a text completion in s1's format, thinking and answer told apart", async () => {
    await writeFile(join(machine.folder, "one.jsonl"), '{"problem": "What is 2 + 2?", "answer": "4"}\n');
    const text = "think\nTwo and two. Is it 5? No.\nanswer\nThe answer is $\\boxed{4}$.";
    const reply = JSON.stringify({ choices: [{ index: 0, finish_reason: "stop", text }] });
    const flags = ["--task", "math500", "--data", "one.jsonl", "--api", "completions"];
    const { samples } = await evaluate((response) => send(response, reply), ...flags);
    expect(samples).toHaveLength(1);
    expect(samples[0]).toMatchObject({
      thinking: "Two and two. Is it 5? No.",
      answer: "The answer is $\\boxed{4}$.",
      verdict: { outcome: "correct" },
    });
  });

  test("a reply that was cut is counted as cut", async () => {
    await writeFile(join(machine.folder, "cut.jsonl"), '{"problem": "What is 3 + 3?", "answer": "6"}\n');
    const cut = JSON.stringify({
      choices: [{ index: 0, finish_reason: "length", message: { role: "assistant", content: "<think>3 and 3 are" } }],
    });
    const { json, samples } = await evaluate(
      (response) => send(response, cut),
      "--task",
      "math500",
      "--data",
      "cut.jsonl",
    );
    expect(samples[0]).toMatchObject({ thinking: "3 and 3 are", answer: "", finishReason: "length" });
    expect(json).toMatchObject({ summary: { settings: [{ rates: { truncated: 1 }, accuracy: { value: 0 } }] } });
  });
});

describe("code", async () => {
  const probe = await openCodeRunner({}).then(
    async (runner) => {
      await runner.close();
      return undefined;
    },
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );

  test("a HumanEval-shaped file through the sandbox: right, wrong, and one that leaves early", async (context) => {
    if (probe !== undefined) return context.skip(probe);
    await mkdir(join(machine.folder, "code"));
    const row = (n: number): object => ({
      task_id: `Made/${n}`,
      prompt: `def times_${n}(x):\n    """ x times ${n}. """\n`,
      entry_point: `times_${n}`,
      canonical_solution: `    return x * ${n}\n`,
      test: `def check(candidate):\n    assert candidate(3) == ${3 * n}\n    assert candidate(0) == 0\n`,
    });
    const file = join(machine.folder, "code/made.jsonl");
    await writeFile(file, [1, 2, 3].map((n) => `${JSON.stringify(row(n))}\n`).join(""));
    const bodies: Readonly<Record<string, string>> = {
      "1": "    return x * 1",
      "2": "    return x * 3",
      "3": "    import os\n    os._exit(0)",
    };
    const script: Script = (response, { body }) => {
      const n = /times_(\d)/.exec(body.messages[0]!.content)?.[1] ?? "";
      send(response, completion("", `\`\`\`python\ndef times_${n}(x):\n${bodies[n] ?? ""}\n\`\`\``));
    };
    const { json, samples, exitCode } = await evaluate(script, "--task", "humaneval", "--data", "code/made.jsonl");
    expect(exitCode).toBe(0);
    expect(samples.map(({ verdict }) => verdict.outcome).sort()).toEqual(["correct", "incorrect", "incorrect"]);
    expect(samples[0]?.sandbox).toMatchObject({ isPartial: false });
    expect(samples.map(({ graderVersion }) => graderVersion)).toEqual(Array(3).fill(CODE_GRADER_VERSION));
    const again = await machine.run("rescore", json.folder, "--json");
    expect(JSON.parse(again.stdout)).toMatchObject({ samples: 3, changed: 0 });
  });
});

describe("a task of one's own", () => {
  test("graded by a judge: asked about each reply once, kept, and asked nothing by a rescoring", async () => {
    for (const name of ["kitchen-judge.json", "kitchen.csv"])
      await copyFile(resolve("examples/your-domain", name), join(machine.folder, name));
    // One server for both: the model is right about half of the questions, the judge approves of even numbers.
    const script: Script = (response, { body }) => {
      const content = body.messages[0]!.content;
      if (body["model"] === "m") return send(response, completion("", `It is ${content.length}.`));
      const isEven = /It is \d*[02468]\./.test(content);
      return send(response, completion("", `Looked at it.\nVerdict: ${isEven ? "correct" : "incorrect"}`));
    };
    server = await startScriptedServer(script);
    const free = ["--judge-input-price", "0", "--judge-output-price", "0"];
    const judge = ["--judge-endpoint", server.baseUrl, "--judge-model", "j", ...free];
    const endpoint = ["--endpoint", server.baseUrl, "--model", "m", "--input-price", "0", "--output-price", "0"];
    const line = ["evaluate", "--task", "kitchen-judge.json", ...endpoint, "--out", "judged", "--json"];
    expect((await machine.run(...line)).stderr).toContain("is graded by a judge, and there is none");
    const { stdout } = await machine.run(...line, ...judge);
    const asked = server.requests.length;
    const { evaluation, summary } = JSON.parse(stdout) as {
      evaluation: { task: { questions: number }; graderVersion: string };
      summary: { settings: { unscored: number; accuracy: { samples: number; value: number } }[] };
    };
    expect(evaluation.graderVersion).toBe("judge-1 j");
    const [{ unscored, accuracy } = expect.fail("no setting")] = summary.settings;
    expect([unscored, accuracy.samples]).toEqual([0, evaluation.task.questions]);
    expect(accuracy.value).toBeGreaterThan(0);
    expect(accuracy.value).toBeLessThan(1);
    const again = await machine.run("rescore", "judged", ...judge, "--json");
    expect(JSON.parse(again.stdout)).toMatchObject({ samples: evaluation.task.questions, changed: 0 });
    expect(server.requests).toHaveLength(asked);
  });
});

test("data that the hub or a file lacks, and a wrong hash, are named before anything is asked", async () => {
  const flags = ["--task", "gsm8k", "--data", "none.jsonl"];
  const missing = await evaluate((response) => send(response, "{}"), ...flags);
  expect(missing.exitCode).toBe(4);
  const path = resolve("fixtures/tasks/gsm8k.jsonl");
  const wrong = await evaluate(
    (response) => send(response, "{}"),
    "--task",
    "gsm8k",
    "--data",
    path,
    "--sha256",
    "0".repeat(64),
  );
  expect(wrong.exitCode).toBe(4);
  expect(server?.requests).toEqual([]);
});

import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type PaidReply, RequestJournal } from "../src/adapters/journal/request-journal.ts";
import { fileBucketOf } from "../src/questions/bucket.ts";
import { type FakeMachine, fakeMachine } from "./fake-cli.ts";
import { startFakeHubJobs } from "./launch/fake-hub-jobs.ts";

let machine: FakeMachine;
beforeEach(async () => {
  machine = await fakeMachine();
  await writeFile(join(machine.folder, "recipe.json"), JSON.stringify(RECIPE));
});
afterEach(() => rm(machine.folder, { recursive: true, force: true }));

const TEACHER = {
  type: "openai-compatible",
  name: "deepseek",
  baseUrl: "https://api.deepseek.com/v1",
  model: "deepseek-v4-pro",
} as const;
const RECIPE = {
  name: "sums",
  student: {
    base: "Qwen/Qwen2.5-7B-Instruct",
    hosted: { type: "together", method: "lora", price: { inputUsdPerMillion: 0.2, outputUsdPerMillion: 0.2 } },
  },
  maxUsd: 20,
  collect: { sources: [{ type: "family", family: "arithmetic", count: 1500, difficulty: [2, 5] }] },
  attempt: { modes: [], students: [{ type: "openai", model: "gpt-6-luna", maxTokens: 8192 }] },
  trace: { teacher: TEACHER },
  select: { count: 1000, maxThinkingTokens: 16_000 },
  tokenize: { maxLength: 16_384 },
} as const;

const plan = async (...args: string[]) => {
  const { stdout, exitCode } = await machine.run("plan", ...args, "--json");
  expect(exitCode).toBe(0);
  return JSON.parse(stdout);
};

describe("grappa plan", () => {
  test("warns when a small student is given long traces, with the numbers, until they are capped or mixed", async () => {
    const warnings = async (...sets: string[]): Promise<string[]> => {
      const { warnings: all } = (await plan(...sets.flatMap((one) => ["--set", one]))) as { warnings: string[] };
      return all.filter((one) => one.includes("rule of thumb"));
    };
    const price = "student.hosted.trainUsdPerMillion=1";
    const small = "student.base=Qwen/Qwen2.5-1.5B-Instruct";
    expect(await warnings(price, small)).toEqual([
      "a student of 1.5 billion parameters is to learn from up to 16,000 tokens of thinking; small students got worse on long traces, and grappa's rule of thumb for this size is 2,048: lower select.maxThinkingTokens, or mix short and long traces with select.longShare",
    ]);
    expect(await warnings(price, "student.base=Qwen/Qwen2.5-7B-Instruct")).toHaveLength(1);
    expect(await warnings(price, "student.base=Qwen/Qwen2.5-32B-Instruct")).toEqual([]);
    expect(await warnings(price, small, "select.maxThinkingTokens=2048")).toEqual([]);
    expect(await warnings(price, small, "select.capBySize=true")).toEqual([]);
    expect(await warnings(price, small, 'select.longShare={"longerThan": 2048, "share": 0.2}')).toEqual([]);
  });

  test("in words", async () => {
    expect(await machine.run("plan")).toMatchInlineSnapshot(`
      {
        "exitCode": 0,
        "stderr": "",
        "stdout": "cost of sums: 1,500 questions, at most $20.00 (maxUsd)

      stage     who              calls    p90  tokens in  tokens out  dollars     p90         time          p90
      attempt   gpt-6-luna       1,500  1,500     34,316   2,176,611    $1.10   $2.98  19 min 55 s   1 h 37 min
      trace     deepseek-v4-pro    917  1,320     21,019   4,338,304   $10.52  $25.86  33 min 46 s   2 h 44 min
      train     together, lora   3,135  5,000          –  14,448,789    $6.94  $16.09            –            –
      evaluate  base               300    300      6,862   1,258,694    $0.26   $0.50  10 min 48 s  41 min 24 s
      evaluate  student            300    300      6,864   1,239,437    $0.25   $0.49  10 min 24 s  40 min 49 s
      total                                                            $20.17  $43.59   1 h 47 min   4 h 53 min

      warning: p90 is $43.59 and maxUsd $20.00: the run would stop at the cap; 664 of 1,500 questions fit; raise maxUsd, or collect fewer questions
      warning: about 627 right traces are expected and select.count asks for 1,000: collect more questions
      warning: a student of 7.0 billion parameters is to learn from up to 16,000 tokens of thinking; small students got worse on long traces, and grappa's rule of thumb for this size is 8,192: lower select.maxThinkingTokens, or mix short and long traces with select.longShare
      $20.00 buys, in nine cases of ten, 664 questions: about 277 right traces
      requests in flight hold up to $4.16 until they are settled

      the fine-tune, estimated: 7.0 billion parameters, lora, 14.4 to 33.5 million tokens, longest example 16,384 at most; 0.46 to 1.1 EFLOP
      where                    GPUs              memory of each       hours          dollars  price as of
      Lambda                   1 x B200     20 to 27 of 178 GiB  0.2 to 0.6   $1.17 to $4.04  2026-09-20
      RunPod                   1 x H100      20 to 27 of 79 GiB  0.4 to 1.2   $0.96 to $4.05  2026-09-25
      Nebius                   1 x H100      20 to 27 of 79 GiB  0.4 to 1.2   $1.37 to $4.47  2026-09-25
      Lambda                   1 x H100      20 to 27 of 79 GiB  0.4 to 1.2   $1.42 to $4.63  2026-09-25
      Hugging Face Jobs        1 x L40S      20 to 27 of 45 GiB  0.9 to 2.9   $1.64 to $5.18  2026-11-23
      Hugging Face Jobs        1 x H200     20 to 27 of 139 GiB  0.4 to 1.2   $1.78 to $5.80  2026-11-23
      RunPod                   1 x A100-80   20 to 27 of 79 GiB  1.0 to 3.3   $1.46 to $5.93  2026-11-09
      Hugging Face Jobs        1 x A100-80   20 to 27 of 79 GiB  1.0 to 3.3   $2.63 to $8.28  2026-11-23
      together, as configured  theirs                                        $6.94 to $16.09  2026-05-08
      and 2 dearer; --json has them all
      6 operations a parameter and token (4 with adapters) and attention's; shares of the peak: over several GPUs 13 % to 22 % as s1's own fine-tunes, on one 30 % to 40 % (below a billion parameters 15 % to 30 %), assumed; 2 to 10 minutes to load and save

      what this rests on
      questions                                    1,500 (family arithmetic)                       as given
      tokens of a question, by bytes / 3           7 typical, 10 at p90                            estimated, n = 500
      price of gpt-6-luna                          $0.10 in, $0.50 out per million tokens          published, 2026-09-23
      tokens of a reply of gpt-6-luna              1,500 typical, 4,000 at p90                     assumed
      seconds of a reply of gpt-6-luna             25 typical, 133 at p90                          assumed
      questions gpt-6-luna solves                  40 %                                            assumed
      price of deepseek-v4-pro                     at most $1.32 in, $3.96 out per million tokens  published, 2026-10-17
      tokens of a reply of deepseek-v4-pro         5,000 typical, 10,000 at p90                    assumed
      seconds of a reply of deepseek-v4-pro        83 typical, 333 at p90                          assumed
      questions deepseek-v4-pro solves             70 %                                            assumed
      fine-tune of Qwen/Qwen2.5-7B-Instruct, lora  $0.48 per million trained tokens                published, 2026-05-08
      least price of a fine-tune at together       $4.00                                           published, 2026-09-09
      price of base                                $0.20 in, $0.20 out per million tokens          as given
      tokens of a reply of base                    4,000 typical, 8,000 at p90                     assumed
      seconds of a reply of base                   67 typical, 267 at p90                          assumed
      price of student                             $0.20 in, $0.20 out per million tokens          as given
      tokens of a reply of student                 4,000 typical, 8,000 at p90                     assumed
      seconds of a reply of student                67 typical, 267 at p90                          assumed
      p50 and p90 over 1,000 simulated runs, seeded: measured means by studentised bootstrap, shares by their posterior (Jeffreys), assumed ones log-normal between their figures; a question's samples are taken to be all right or all wrong, which is the dearer case
      ",
      }
    `);
  });

  test("within the cap it warns of nothing", async () => {
    const { warnings, buys, microUsd } = await plan(
      "--set",
      "maxUsd=500",
      "--set",
      "select.count=100",
      "--set",
      "select.maxThinkingTokens=8192",
    );
    expect(warnings).toEqual([]);
    expect(buys.questions).toBe(1500);
    expect(microUsd.p90).toBeGreaterThan(microUsd.p50);
  });

  test("a recipe of this machine alone costs nothing", async () => {
    const { stdout } = await machine.run("plan", "demo");
    expect(stdout).toContain("nothing costs money");
    expect(stdout).toMatch(/^train +demo-base, here +3,000 +3,000 /m);
    expect(stdout).toMatch(/^evaluate +base and student, here +[\d,]+ /m);
    expect(stdout).toContain(
      "questions                                         4,200 (family arithmetic, family program)",
    );
  });

  test("a launcher's GPUs are counted at the slow end, and its way stands first; without a GPU's name it says what is missing", async () => {
    const launched = async (launcher: object) =>
      JSON.parse(
        (await machine.run("plan", "demo", "--json", "--set", `train.launcher=${JSON.stringify(launcher)}`)).stdout,
      );
    const { training, rows, microUsd } = await launched({ type: "hf-jobs", flavor: "a100-large" });
    expect(training.ways[0]).toMatchObject({ name: "hf-jobs, as configured", gpu: "A100-80", gpus: 1, fits: "yes" });
    expect(training.obstacle).toBeNull();
    expect(training.embedded.bytes).toBeLessThan(training.embedded.limitBytes);
    const train = rows.find(({ stage }: { stage: string }) => stage === "train");
    // The demo's student is so small that nearly all of it is loading and saving: 10 minutes of $2.50 an hour.
    expect(train.microUsd.p50).toBeGreaterThanOrEqual(2.5e6 / 6);
    expect(train.microUsd.p50).toBeLessThan(2.5e6 / 5);
    expect(microUsd.p50).toBe(train.microUsd.p50);
    expect(training.ways[0].microUsd[1]).toBeGreaterThanOrEqual(train.microUsd.p90 * 0.99);
    const unnamed = await launched({ type: "ray", storage: "/shared" });
    expect(unnamed.training.obstacle).toContain("give train.launcher.gpu");
    expect(unnamed.microUsd.p90).toBe(0);
  });

  test("--hardware lists what Hugging Face Jobs has to rent, at the hub's prices of the moment", async () => {
    const hub = await startFakeHubJobs({ run: async () => 0 });
    try {
      const launcher = JSON.stringify({ type: "hf-jobs", flavor: "a100-large", hubUrl: hub.endpoint });
      const set = ["--set", `train.launcher=${launcher}`, "--hardware"];
      const { hardware } = JSON.parse((await machine.run("plan", "demo", "--json", ...set)).stdout);
      const h200 = hardware.find(({ flavor }: { flavor: string }) => flavor === "h200x8");
      expect(h200).toMatchObject({ gpu: "H200", gpus: 8, gpuMemory: "1128 GB", usdPerHour: 40 });
      const { stdout } = await machine.run("plan", "demo", ...set);
      expect(stdout).toMatch(/^h200x8 +8 x H200 +1128 GB +\$40\.00 +Nvidia H200$/m);
    } finally {
      await hub.close();
    }
  });

  test("--price beats the list, and is refused for a model that is not asked", async () => {
    const price = (outcome: { figures: { what: string; value: string }[] }): string | undefined =>
      outcome.figures.find(({ what }) => what === "price of deepseek-v4-pro")?.value;
    expect(price(await plan())).toBe("at most $1.32 in, $3.96 out per million tokens");
    expect(price(await plan("--price", "deepseek-v4-pro=1/2"))).toBe("$1.00 in, $2.00 out per million tokens");
    const { stderr, exitCode } = await machine.run("plan", "--price", "deepseek-v4=1/2");
    expect(exitCode).toBe(2);
    expect(stderr).toContain('--price names the model "deepseek-v4", which the recipe does not ask');
  });

  test("an unknown price is an error, never zero", async () => {
    const { stderr, exitCode } = await machine.run("plan", "--set", "trace.teacher.baseUrl=http://127.0.0.1:8000/v1");
    expect(exitCode).not.toBe(0);
    expect(stderr).toContain('no price is known for model "deepseek-v4-pro" of provider "deepseek"');
    expect(stderr).toContain("--price deepseek-v4-pro=0.6/2");
  });

  test("counts the questions of a file: distinct, and of the train bucket alone", async () => {
    const texts = Array.from({ length: 400 }, (_, i) => `How many are ${i} apples and ${i + 1} apples together?`);
    const lines = [...texts, ...texts].map((question, i) =>
      JSON.stringify({ question, answer: i % 2 === 0 ? "1" : "" }),
    );
    await writeFile(join(machine.folder, "own.jsonl"), `${lines.join("\n")}\n`);
    const train = texts.filter((text) => fileBucketOf(text) === "train").length;
    const sources = JSON.stringify([{ type: "file", path: "own.jsonl" }]);
    const outcome = await plan("--set", `collect.sources=${sources}`, "--set", `judge=${JSON.stringify(TEACHER)}`);
    expect(outcome.questions).toBe(train);
    expect(outcome.figures[0]).toMatchObject({ what: "questions", value: `${train} (own.jsonl)` });
    expect(outcome.rows.map(({ stage }: { stage: string }) => stage)).toContain("judge");
    expect(outcome.rows.find(({ stage }: { stage: string }) => stage === "judge").calls.p50).toBeGreaterThan(0);
  });

  test("measures by what the run has bought, and buys none of it again", async () => {
    const folder = join(machine.folder, "runs/sums-0/journal");
    await mkdir(folder, { recursive: true });
    const journal = await RequestJournal.open(join(folder, "requests.jsonl"));
    for (let i = 0; i < 20; i++) {
      const key = i.toString(16).padStart(16, "0");
      const who = { account: "trace", provider: "deepseek", model: "deepseek-v4-pro", questionId: `q${i}` };
      const usage = { promptTokens: 30, completionTokens: 1_000, reasoningTokens: 900, isEstimated: false };
      const reply: PaidReply = {
        maxTokens: 32_768,
        thinking: "t",
        answer: "2",
        provenance: "raw",
        finishReason: "stop",
        usage,
        costMicroUsd: 2_000,
        timing: { firstTokenMs: 10, totalMs: 5_000 },
      };
      await journal.reply(await journal.intend({ key, worstCaseMicroUsd: 130_000, ...who }), reply);
    }
    await journal.close();
    const outcome = await plan();
    const figure = (what: string) => outcome.figures.find((one: { what: string }) => one.what === what);
    expect(figure("tokens of a reply of deepseek-v4-pro")).toEqual({
      what: "tokens of a reply of deepseek-v4-pro",
      value: "1,000 typical, 1,000 at p90",
      knownBy: { type: "measured", n: 20 },
    });
    expect(figure("seconds of a reply of deepseek-v4-pro").value).toBe("5 typical, 5 at p90");
    expect(outcome.spentMicroUsd).toBe(40_000);
    expect(outcome.rows.find(({ stage }: { stage: string }) => stage === "trace").bought).toMatchObject({
      calls: 20,
      microUsd: 40_000,
    });
    // Spent on a model that the recipe no longer asks: still spent, and nothing of it is saved.
    const other = await plan("--set", "trace.teacher.model=deepseek-flash");
    expect(other.spentMicroUsd).toBe(40_000);
    expect(other.rows.find(({ stage }: { stage: string }) => stage === "trace").bought.calls).toBe(0);
    expect(
      other.microUsd.mean -
        other.rows.reduce((sum: number, row: { microUsd: { mean: number } }) => sum + row.microUsd.mean, 0),
    ).toBeCloseTo(40_000, 3);
  });

  test("a fine-tune that failed is spent, and the next is still to be bought; one that gave a model is not", async () => {
    const folder = join(machine.folder, "runs/sums-0/journal");
    await mkdir(folder, { recursive: true });
    const charge = async (purchase: { costMicroUsd: number; detail: string }): Promise<void> => {
      const journal = await RequestJournal.open(join(folder, "requests.jsonl"));
      const job = { key: "0".repeat(16), account: "train", provider: "together", model: "Qwen/Qwen2.5-7B-Instruct" };
      await journal.charge(await journal.intend({ ...job, worstCaseMicroUsd: 9_000 }), {
        ...purchase,
        isEstimated: false,
      });
      await journal.close();
    };
    const train = async () => (await plan()).rows.find(({ stage }: { stage: string }) => stage === "train");
    const before = await train();
    await charge({ costMicroUsd: 5_000, detail: "fine-tune ft-0, without a model" });
    expect(await train()).toMatchObject({
      bought: { calls: 0, microUsd: 5_000 },
      microUsd: { p50: before.microUsd.p50 + 5_000 },
    });
    await charge({ costMicroUsd: 7_000, detail: "fine-tune ft-1" });
    expect(await train()).toMatchObject({ bought: { calls: 1, microUsd: 12_000 }, microUsd: { p50: 12_000 } });
  });
});

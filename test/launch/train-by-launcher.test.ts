/** @file The train stage on a launcher whose jobs run by a clock of the test: once, paid once, whatever happens in between. */
import { mkdtempSync, rmSync } from "node:fs";
import { readdir, readFile, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { writeAdapterFolder } from "../../src/adapters/adapter-folder.ts";
import { nodeFileSystem } from "../../src/adapters/file-system.ts";
import { readJournal } from "../../src/adapters/journal/journal-pass.ts";
import { checkModelFiles } from "../../src/adapters/model-files.ts";
import { readModelFolder } from "../../src/adapters/model-folder.ts";
import { nodeProcessTable } from "../../src/adapters/process-table.ts";
import { AppError } from "../../src/core/errors.ts";
import { readSpending } from "../../src/pipeline/run-spending.ts";
import { initialAdapter } from "../../src/student/lora.ts";
import { type Lab, openLab, trainedRun } from "./training-lab.ts";

let folder: string;
let prepared: string;
let lab: Lab;
beforeAll(async () => {
  prepared = mkdtempSync(join(tmpdir(), "grappa-launch-"));
  await trainedRun(prepared);
}, 60_000);
afterAll(() => rmSync(prepared, { recursive: true, force: true }));
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "grappa-lab-"));
  lab = await openLab(folder, prepared);
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const code = async (work: Promise<unknown>): Promise<string> =>
  await work.then(
    () => "fine",
    (error: unknown) => (error instanceof AppError ? error.code : String(error)),
  );

/** Dollars in the run's journal: [what is counted, how many purchases, how many of them are open]. */
async function booked(): Promise<[number, number, number]> {
  let micro = 0;
  let all = 0;
  let open = 0;
  for await (const one of readJournal(lab.journal)) {
    if (one.account !== "train") continue;
    micro += one.costMicroUsd;
    all += 1;
    if (one.outcome === "open") open += 1;
  }
  return [micro / 1e6, all, open];
}

// 32 examples, batch 4, 5 epochs: 40 steps of 10 s; 20 s to load, 10 s to save; 8 GPUs at 3.60 an hour: 0.8 cents a second.
const WHOLE_USD = 430 * 0.008;

describe("a training by a launcher", () => {
  test("leaves a checked student, its losses, and what its job was", async () => {
    const { manifests } = await lab.train();
    const train = manifests.at(-1);
    expect(train?.files.map(({ path }) => path)).toEqual([
      "job.json",
      "losses.jsonl",
      "student/README.md",
      "student/chat_template.jinja",
      "student/config.json",
      "student/generation_config.json",
      "student/model.safetensors",
      "student/tokenizer.json",
      "student/tokenizer_config.json",
    ]);
    expect(await checkModelFiles(join(lab.stage("train"), "student"))).toMatchObject({ maxPositions: 320 });
    expect(train?.notes).toMatchObject({ steps: 40, firstLoss: 3, costMicroUsd: WHOLE_USD * 1e6, isEstimated: false });
    const job = JSON.parse(await readFile(join(lab.stage("train"), "job.json"), "utf8")) as object;
    expect(job).toMatchObject({
      launcher: "ray",
      gpu: "NVIDIA H100 80GB HBM3",
      gpus: 8,
      tries: 1,
      costMicroUsd: WHOLE_USD * 1e6,
      tokensPerSecond: 40,
    });
    expect(await booked()).toEqual([WHOLE_USD, 1, 0]);
    expect(await readFile(join(lab.stage("train"), "student/README.md"), "utf8")).toContain(
      "8 x NVIDIA H100 80GB HBM3",
    );
  });

  test("shows step, loss, speed, use of the GPUs and dollars while it runs", async () => {
    await lab.train();
    const notes = lab.events.flatMap((event) => (event.type === "stage-progress" && event.note ? [event.note] : []));
    expect(notes.some((note) => /^loss 1\.\d+, 40 tokens\/s, MFU 0\.0 %, \$\d\.\d\d so far$/.test(note))).toBe(true);
    expect(notes).toContain("8 x NVIDIA H100 80GB HBM3, f32, sdpa, ddp");
  });

  test("a machine that is lost costs what it ran; the job goes on from its checkpoint", async () => {
    lab.setTries((number) => (number === 1 ? { lostAfter: 23 } : {}));
    const { manifests } = await lab.train();
    expect(lab.started()).toBe(2);
    const notes = manifests.at(-1)?.notes;
    expect(notes).toMatchObject({ steps: 40 });
    // 20 + 230 s, then from step 20 on: 20 + 200 + 10.
    expect((await booked())[0]).toBeCloseTo((250 + 230) * 0.008, 2);
    expect(notes?.costMicroUsd).toBeCloseTo((await booked())[0] * 1e6, 0);
    const losses = (await readFile(join(lab.stage("train"), "losses.jsonl"), "utf8")).trim().split("\n");
    expect(losses).toHaveLength(40);
  });

  test("four lost machines are enough; the next run goes on from there", async () => {
    lab.setTries(() => ({ lostAfter: 7 }));
    expect(await code(lab.train())).toBe("provider");
    expect(lab.started()).toBe(4);
    const [before] = await booked();
    lab.setTries((number) => (number <= 4 ? { lostAfter: 7 } : {}));
    await lab.train();
    expect(lab.started()).toBe(5);
    expect((await booked())[0]).toBeGreaterThan(before);
    expect((await booked())[2]).toBe(0);
  });

  test.each(["row-too-long", "tokenizer-differs"] as const)(
    "a guard that refuses (%s) is not tried again",
    async (refusal) => {
      lab.setTries(() => ({ failure: { after: 0, code: refusal } }));
      const error: unknown = await lab.train().catch((cause: unknown) => cause);
      expect(error).toMatchObject({ code: "provider-permanent", hint: "mend it", data: { code: refusal } });
      expect(lab.started()).toBe(1);
      expect((await booked())[2]).toBe(0);
    },
  );

  test("train.maxUsd stops it with its checkpoint kept; with more it goes on, and all of it is paid once", async () => {
    lab.recipe({ maxUsd: 1.5 });
    const error: unknown = await lab.train().catch((cause: unknown) => cause);
    expect(error).toMatchObject({ code: "budget-exceeded", data: { checkpoint: expect.any(Number) as number } });
    expect((error as AppError).message).toMatch(/checkpoint of step 1\d is kept/);
    const [first] = await booked();
    expect(first).toBeLessThanOrEqual(1.5);
    expect(await code(lab.train())).toBe("budget-exceeded"); // nothing was raised: nothing is started
    expect(lab.started()).toBe(1);
    lab.recipe({ maxUsd: 5 });
    await lab.train();
    expect(lab.started()).toBe(2);
    const [all, purchases, open] = await booked();
    expect(all).toBeGreaterThan(first);
    expect(all).toBeLessThan(WHOLE_USD + 0.4); // the second loading, nothing trained twice
    expect([purchases, open]).toEqual([2, 0]);
  });

  test("a try after a stop runs as long as its own money lasts, by the trainer's clock", async () => {
    lab.recipe({ maxUsd: 1.2 });
    expect(await code(lab.train())).toBe("budget-exceeded");
    const [first] = await booked();
    lab.recipe({ maxUsd: 2.2 });
    expect(await code(lab.train())).toBe("budget-exceeded");
    const seconds = ((await booked())[0] - first) / 0.008;
    const limit = Math.floor((2.2 - first) / 0.008 - 20);
    // Whole seconds are told: what ran before is rounded up.
    expect(seconds).toBeGreaterThanOrEqual(limit);
    expect(seconds).toBeLessThanOrEqual(limit + 1);
  });

  test("what another process ran is counted by the record at the launcher", async () => {
    lab.recipe({ maxUsd: 1.2 });
    lab.setTries((number) => (number === 1 ? { failure: { after: 9, code: "row-too-long" } } : {}));
    expect(await code(lab.train())).toBe("provider-permanent");
    await lab.forget();
    lab.launcher({ isForgetful: true });
    expect(await code(lab.train())).toBe("budget-exceeded");
    // All of its 130 s: the first try's are on the trainer's clock, and not on this one's.
    expect((await booked())[0] / 0.008).toBeGreaterThanOrEqual(130);
  });

  test.each([
    ["while it trains", { lostAfter: 25 }],
    ["while it loads", { neverStarts: true }],
  ])("a machine that is lost %s, after a stop by the budget, is tried again", async (_when, script) => {
    lab.recipe({ maxUsd: 1.5 });
    expect(await code(lab.train())).toBe("budget-exceeded");
    lab.recipe({ maxUsd: 9 });
    lab.setTries((number) => (number === 2 ? script : {}));
    await lab.train();
    expect(lab.started()).toBe(3);
  });

  describe("a LoRA that the trainer had no memory to merge", () => {
    beforeEach(async () => {
      const { config } = await readModelFolder(join(folder, "base"));
      const settings = { rank: 2, alpha: 4 };
      const adapter = initialAdapter(config, settings, 1);
      for (const [name, { data }] of adapter) if (name.endsWith("lora_B.weight")) data.fill(0.25);
      await writeAdapterFolder(join(folder, "adapter"), { adapter, settings, base: "elsewhere" });
      lab.recipe({ method: "lora", learningRate: 1e-4 });
      lab.launcher({ adapter: join(folder, "adapter") });
    });

    test("is merged here, and its adapter kept", async () => {
      await lab.train();
      const [student, base] = [join(lab.stage("train"), "student"), join(folder, "base")];
      const [merged, before] = [await readModelFolder(student), await readModelFolder(base)];
      const name = "model.layers.0.mlp.down_proj.weight";
      expect(merged.tensors.get(name)?.data).not.toEqual(before.tensors.get(name)?.data);
      const embedding = "model.embed_tokens.weight";
      expect(merged.tensors.get(embedding)?.data).toEqual(before.tensors.get(embedding)?.data);
      const kept = await readFile(join(lab.stage("train"), "adapter/adapter_model.safetensors"));
      expect(kept).toEqual(await readFile(join(folder, "adapter/adapter_model.safetensors")));
    });

    test("is kept where its base's weights are not here; told how to merge it, and merged later by the same job", async () => {
      const weights = join(folder, "base/model.safetensors");
      await rename(weights, `${weights}.away`);
      const error: unknown = await lab.train().catch((cause: unknown) => cause);
      const adapter = (error as AppError).data["adapter"] as string;
      expect(error).toMatchObject({ code: "model-missing", data: { base: "../base" } });
      expect((error as AppError).hint).toContain(`grappa export '${adapter}' --base '${join(folder, "base")}' --to hf`);
      expect(await readdir(adapter)).toContain("adapter_model.safetensors");
      await rename(`${weights}.away`, weights);
      await lab.train();
      expect(lab.started()).toBe(1);
    });
  });

  test("with nothing left of the run's cap no job is started", async () => {
    lab.recipe({}, { maxUsd: 0 });
    expect(await code(lab.train())).toBe("budget-exceeded");
    expect(lab.started()).toBe(0);
    expect(await booked()).toEqual([0, 0, 0]);
  });

  test("GPUs of one's own cost nothing and have no limit", async () => {
    lab.recipe({}, { maxUsd: 0 }, { gpuUsdPerHour: 0 });
    await lab.train();
    expect(await booked()).toEqual([0, 0, 0]);
  });

  test("a loss that is no number stops the job and is paid", async () => {
    lab.setTries(() => ({ loss: (step) => (step < 9 ? 2 : null) }));
    expect(await code(lab.train())).toBe("engine");
    expect(lab.warnings().join()).toContain("the loss of step 9 is not a number");
    const [usd, , open] = await booked();
    expect(usd).toBeGreaterThan(0);
    expect(usd).toBeLessThan(WHOLE_USD);
    expect(open).toBe(0);
  });

  test("a launcher that tells no times is settled by the trainer's, and that is called an estimate", async () => {
    lab.launcher({ isSilent: true });
    const { manifests } = await lab.train();
    expect(manifests.at(-1)?.notes).toMatchObject({ isEstimated: true });
    const [usd] = await booked();
    expect(usd).toBeGreaterThan(WHOLE_USD * 0.9);
    expect(usd).toBeLessThan(WHOLE_USD * 1.1);
  });

  test.each([
    ["slurm", 0],
    ["ray", 0.6],
  ] as const)("a job of %s of whose start nothing is known is booked at %d dollars", async (type, usd) => {
    lab.recipe({ maxUsd: 0.6 });
    lab.launcher({ type, isSilent: true, queueMs: 3_600_000 });
    lab.setTries(() => ({ neverStarts: true }));
    expect(await code(lab.train())).toBe("provider-permanent");
    expect(await booked()).toEqual([usd, 1, 0]);
  });

  test("calls that fail for now are tried again", async () => {
    lab.launcher({
      fault: (call, before) => {
        if (before % 3 !== 2 && call !== "submitted") throw new AppError("provider", "away", { isRetryable: true });
      },
    });
    await lab.train();
    expect(lab.started()).toBe(1);
    expect(await booked()).toEqual([WHOLE_USD, 1, 0]);
  });

  test("a submission whose answer was lost is found, not made twice", async () => {
    lab.launcher({
      fault: (call, before) => {
        if (call === "submitted" && before === 0)
          throw new AppError("provider", "connection reset", { isRetryable: true });
      },
    });
    await lab.train();
    expect(lab.started()).toBe(1);
    expect(await booked()).toEqual([WHOLE_USD, 1, 0]);
  });

  test("a refused submission costs nothing and holds nothing", async () => {
    lab.launcher({
      fault: (call) => {
        if (call === "submit") throw new AppError("provider-permanent", "no such storage");
      },
    });
    expect(await code(lab.train())).toBe("provider-permanent");
    expect((await booked())[0]).toBe(0);
    expect((await booked())[2]).toBe(0);
  });

  test("Ctrl-C leaves a remote job running and says so; the next run follows it to its end", async () => {
    lab.interruptAt(10);
    expect(await code(lab.train())).toBe("interrupted");
    expect(lab.warnings().join()).toContain(
      "the training, job job-1, goes on at ray, and costs what it costs; the same command follows it again, `ray job stop job-1` stops it",
    );
    expect((await booked())[2]).toBe(1);
    const { open } = await readSpending({ fs: nodeFileSystem(), processes: nodeProcessTable() }, lab.run);
    expect(open.map(({ underWay, provider, account }) => [underWay, provider, account])).toEqual([
      ["job", "ray", "train"],
    ]);
    lab.interruptAt(undefined);
    await lab.train();
    expect(lab.warnings().join()).toContain("a job of an earlier try may go on on rented GPUs; counted as $10");
    expect(lab.started()).toBe(1);
    expect(await booked()).toEqual([WHOLE_USD, 1, 0]);
  });

  test("Ctrl-C stops a job of this machine; the next run goes on from its checkpoint", async () => {
    lab.launcher({ type: "torchrun" });
    lab.interruptAt(13);
    expect(await code(lab.train())).toBe("interrupted");
    expect(lab.warnings().join()).toContain(
      "the training on this machine is stopped; the same command goes on from its last checkpoint",
    );
    lab.interruptAt(undefined);
    await lab.train();
    expect(lab.started()).toBe(2);
    expect((await booked())[2]).toBe(0);
  });

  test("a job that its launcher forgot is counted until its last event; the next goes on from its record", async () => {
    lab.setTries((number) => (number === 1 ? { lostAfter: 6 } : {}));
    lab.interruptAt(5);
    expect(await code(lab.train())).toBe("interrupted");
    lab.interruptAt(undefined);
    lab.launcher({ isForgetful: true });
    await lab.train();
    expect(lab.warnings().join()).toContain("ray no longer knows");
    // 20 + 60 s, then from step 5 on: 20 + 350 + 10.
    expect((await booked())[0]).toBeCloseTo((80 + 380) * 0.008, 3);
    const before = await readFile(join(lab.stage("train"), "job.json"), "utf8");
    expect(JSON.parse(before)).toMatchObject({ tries: 2 });
  });

  test("a job of this name that another run started is followed, and not paid twice", async () => {
    await lab.train();
    await lab.forget(); // stages and journal, as in another folder; the launcher still has the job
    await lab.train();
    expect(lab.started()).toBe(1);
    expect(lab.warnings().join()).toContain("another run started it, and pays for it");
    expect((await booked())[0]).toBe(0);
  });

  test("a job that stands is booked at what it was submitted with, whatever the recipe says by now", async () => {
    lab.interruptAt(10);
    await code(lab.train());
    lab.interruptAt(undefined);
    lab.recipe({}, {}, { gpuUsdPerHour: 0.5, workers: 1 });
    lab.launcher({ gpus: 1 });
    const { manifests } = await lab.train();
    expect(lab.started()).toBe(1);
    expect(await booked()).toEqual([WHOLE_USD, 1, 0]);
    const job = JSON.parse(await readFile(join(lab.stage("train"), "job.json"), "utf8")) as object;
    expect(job).toMatchObject({ gpus: 8, microUsdPerGpuHour: 3_600_000, costMicroUsd: WHOLE_USD * 1e6 });
    expect(manifests.at(-1)?.notes).toMatchObject({ costMicroUsd: WHOLE_USD * 1e6 });
  });

  test("another place of the same launcher is not sent a second job while the first may run; after its end it is", async () => {
    lab.interruptAt(10);
    await code(lab.train());
    lab.interruptAt(undefined);
    lab.launcher({ place: "another cluster", fault: (call) => expect(call).not.toBe("submit") });
    const error: unknown = await lab.train().catch((cause: unknown) => cause);
    expect(error).toMatchObject({ code: "usage", data: { placeBefore: "the fake", placeNow: "another cluster" } });
    expect((error as AppError).message).toContain("begun with ray at the fake (job job-1)");
    expect((await booked())[2]).toBe(1);
    lab.launcher({ place: "the fake", fault: () => undefined });
    lab.setTries(() => ({ failure: { after: 20, code: "error" } }));
    expect(await code(lab.train())).toBe("provider-permanent");
    lab.launcher({ place: "another cluster" });
    lab.setTries(() => ({}));
    await lab.train();
    expect((await booked())[2]).toBe(0);
  });

  test("another launcher in the recipe is not sent a second job while the first may run", async () => {
    lab.interruptAt(10);
    await code(lab.train());
    lab.interruptAt(undefined);
    lab.launcher({ type: "torchrun" });
    const error: unknown = await lab.train().catch((cause: unknown) => cause);
    expect(error).toMatchObject({ code: "usage", data: { before: "ray", now: "torchrun", job: "job-1" } });
  });
});

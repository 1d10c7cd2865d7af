import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { carriedRun, DEMO_BASE } from "../../test/live/carried-run.ts";
import { writeTinyStudent } from "../../test/tiny-student.ts";
import { readModelFolder } from "../adapters/model-folder.ts";
import type { CarriedStudent, LiveStudent } from "../report/live-student.ts";
import { type CarriedRun, studentsToCarry } from "./carry-student.ts";

const folders: string[] = [];
const run = async (...args: Parameters<typeof carriedRun>): Promise<CarriedRun> => {
  const made = await carriedRun(...args);
  folders.push(made.folder);
  return made;
};
afterAll(async () => {
  for (const folder of folders) await rm(folder, { recursive: true, force: true });
});

function reasonOf(live: LiveStudent | undefined): string {
  if (live?.status !== "absent") throw new Error("carried");
  return live.reason;
}

describe("a student that fits", () => {
  let lives: readonly LiveStudent[];
  let pair: CarriedStudent;
  beforeAll(async () => {
    lives = await studentsToCarry(await run(DEMO_BASE, 2));
    pair = lives[0] as CarriedStudent;
  });

  it("is offered with its base, alone, and not at all", () => {
    expect(lives.map((live) => live.status === "carried" && Object.keys(live.blocks))).toEqual([
      ["kernels", "student", "base"],
      ["kernels", "student"],
      false,
    ]);
    expect(reasonOf(lives[2])).toContain("(3.3 MB) do not fit into the 12 MB");
  });

  it("is carried whole: every tensor's bytes, in the order that the payload names", async () => {
    const { tensors } = await readModelFolder(DEMO_BASE);
    const floats = new Float32Array(new Uint8Array(Buffer.from(pair.blocks.student, "base64")).buffer);
    let at = 0;
    for (const { name, shape } of pair.payload.tensors) {
      const { data } = tensors.get(name)!;
      expect(shape).toEqual(tensors.get(name)!.shape);
      expect(
        Buffer.compare(Buffer.from(floats.slice(at, at + data.length).buffer), Buffer.from(data.buffer)),
        name,
      ).toBe(0);
      at += data.length;
    }
    expect(at).toBe(floats.length);
  });

  it("brings the report's questions first, then twelve others of each family", () => {
    const { questions } = pair.payload;
    expect(questions.map(({ isShown }) => isShown)).toEqual([true, true, ...Array.from({ length: 24 }, () => false)]);
    expect(new Set(questions.map(({ text }) => text)).size).toBe(26);
    expect(questions.filter(({ text }) => text.startsWith("n="))).toHaveLength(12);
  });
});

describe("a student that cannot be carried, or not beside its base", () => {
  it("goes without a base that is built otherwise", async () => {
    const tiny = await mkdtemp(join(tmpdir(), "grappa-tiny-"));
    folders.push(tiny);
    await writeTinyStudent(tiny);
    const lives = await studentsToCarry(await run(tiny));
    expect(lives.map(({ status }) => status)).toEqual(["carried", "absent"]);
  });

  it("goes without a base whose weights have changed since", async () => {
    const made = await run(DEMO_BASE);
    const manifest = { ...made.manifest, facts: { ...made.manifest.facts, baseWeights: "0".repeat(64) } };
    expect(await studentsToCarry({ ...made, manifest })).toHaveLength(2);
  });

  it("says how large it is, without reading it", async () => {
    const made = await run(DEMO_BASE);
    await writeFile(join(made.folder, "stages/train-1/student/model.safetensors"), new Uint8Array(9_100_000));
    const lives = await studentsToCarry(made);
    expect(lives).toHaveLength(1);
    expect(reasonOf(lives[0])).toContain("its weights (9.1 MB)");
  });

  it.each(["stages/train-1/student", "stages/evaluate-2", "stages/train-1/student/tokenizer.json"])(
    "says so when %s is gone",
    async (path) => {
      const made = await run(DEMO_BASE);
      await rm(join(made.folder, path), { recursive: true });
      const lives = await studentsToCarry(made);
      expect(lives).toHaveLength(1);
      expect(reasonOf(lives[0])).toContain("no longer holds all of it");
    },
  );
});

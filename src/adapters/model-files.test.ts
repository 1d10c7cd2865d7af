import { appendFile, mkdtemp, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { writeTinyStudent } from "../../test/tiny-student.ts";
import { AppError } from "../core/errors.ts";
import { checkModelFiles } from "./model-files.ts";
import { readModelFolder } from "./model-folder.ts";

let folder: string;
beforeEach(async () => {
  folder = join(await mkdtemp(join(tmpdir(), "grappa-files-")), "student");
  await writeTinyStudent(folder);
});
afterEach(() => rm(join(folder, ".."), { recursive: true, force: true }));

const code = async (): Promise<string> =>
  await checkModelFiles(folder).then(
    () => "fine",
    (error: unknown) => (error instanceof AppError ? error.code : String(error)),
  );
const weights = (): string => join(folder, "model.safetensors");

describe("checkModelFiles", () => {
  test("counts what a student holds, like reading it whole", async () => {
    const { tensors, config } = await readModelFolder(folder);
    const parameters = [...tensors.values()].reduce((sum, { data }) => sum + data.length, 0);
    const files = await checkModelFiles(folder);
    expect(files).toMatchObject({ parameters, embeddingRows: config.vocabularySize, maxPositions: 320 });
    expect(files.weightBytes).toBe((await readFile(weights())).length);
  });

  test("takes shards that their index names, and misses one", async () => {
    const bytes = await readFile(weights());
    const header = JSON.parse(bytes.subarray(8, 8 + Number(bytes.readBigUInt64LE())).toString()) as object;
    const names = Object.keys(header).filter((name) => name !== "__metadata__");
    await writeFile(join(folder, "model-00001-of-00001.safetensors"), bytes);
    await rm(weights());
    const map = Object.fromEntries(names.map((name) => [name, "model-00001-of-00001.safetensors"]));
    const index = join(folder, "model.safetensors.index.json");
    await writeFile(index, JSON.stringify({ weight_map: map }));
    expect(await code()).toBe("fine");
    await writeFile(
      index,
      JSON.stringify({ weight_map: { ...map, "model.more.weight": "model-00001-of-00001.safetensors" } }),
    );
    expect(await code()).toBe("checkpoint-corrupt");
    await writeFile(index, JSON.stringify({ weight_map: { ...map, x: "model-00002-of-00002.safetensors" } }));
    expect(await code()).toBe("model-missing");
    await writeFile(index, JSON.stringify({ weight_map: { x: "../../elsewhere.safetensors" } }));
    expect(await code()).toBe("checkpoint-corrupt");
  });

  test.each([
    ["cut short", () => truncate(weights(), 4_000)],
    ["longer than its header says", () => appendFile(weights(), "x")],
    ["nothing", () => writeFile(weights(), "")],
    ["a header of any length", () => writeFile(weights(), Buffer.concat([Buffer.alloc(8, 255), Buffer.alloc(64)]))],
    ["a header that is none", () => writeFile(weights(), Buffer.from("\u0004\0\0\0\0\0\0\0null"))],
  ])("refuses weights that are %s", async (_what, damage) => {
    await damage();
    expect(await code()).toBe("checkpoint-corrupt");
  });

  test("refuses a folder without weights or configuration", async () => {
    await rm(weights());
    expect(await code()).toBe("model-missing");
    await writeTinyStudent(folder);
    await rm(join(folder, "config.json"));
    expect(await code()).toBe("model-missing");
  });
});

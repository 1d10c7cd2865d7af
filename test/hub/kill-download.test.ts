import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { FAKE_COMMIT, startFakeHub } from "./fake-hub.ts";
import { loadTask } from "../../src/pipeline/load-task.ts";

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const ROWS = Array.from({ length: 900 }, (_, i) => `{"problem": "${i}+1?", "answer": ${i}}\n`).join("");
const body = Buffer.from(ROWS);

it("a download killed in the middle goes on from there, and the task loads", async () => {
  const cacheFolder = mkdtempSync(join(tmpdir(), "grappa-kill-"));
  let isSlow = true;
  const hub = await startFakeHub({ "test.jsonl": body }, ({ origin }, response) => {
    if (origin !== "cdn" || !isSlow) return false;
    response.writeHead(206, { "content-range": `bytes 0-${body.length - 1}/${body.length}` });
    response.write(body.subarray(0, 9000)); // and then silence
    return true;
  });
  const part = join(cacheFolder, "hub", "made--set", FAKE_COMMIT, "files", "test.jsonl.part");
  const child = spawn(process.execPath, ["--input-type=module", "-e", SCRIPT], {
    cwd: root,
    env: { ENDPOINT: hub.endpoint, CACHE: cacheFolder },
    stdio: "inherit",
  });
  const ended = new Promise((resolve) => child.on("exit", (_code, signal) => resolve(signal)));
  while (!(existsSync(part) && statSync(part).size === 9000)) await new Promise((resolve) => setTimeout(resolve, 20));
  child.kill("SIGKILL");
  expect(await ended).toBe("SIGKILL");

  isSlow = false;
  const task = await loadTask({
    name: "aime24",
    data: "hf:made/set@main:test",
    seed: 0,
    limit: 30,
    workingFolder: cacheFolder,
    signal: new AbortController().signal,
    hub: { cacheFolder, endpoint: hub.endpoint },
  });
  expect(hub.seen.at(-1)).toMatchObject({ origin: "cdn", range: "bytes=9000-" });
  expect(readFileSync(part.replace(/\.part$/, "")).equals(body)).toBe(true);
  expect(task).toMatchObject({ source: `hf:made/set@${FAKE_COMMIT}:test` });
  expect(task.questions).toHaveLength(30);
  await hub.close();
});

const SCRIPT = `
import { openData } from "./dist/pipeline/open-data.js";
const { ENDPOINT: endpoint, CACHE: cacheFolder } = process.env;
await openData({
  data: "hf:made/set@main:test", workingFolder: ".", signal: new AbortController().signal, hub: { cacheFolder, endpoint },
});
`;

/** @file `grappa ui` as a process: prints where it is, answers there, and ends when it is told to. */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, expect, test } from "vitest";
import { fakeMachine } from "./fake-cli.ts";
import { ask } from "./ui/ask.ts";
import { writeFakeRun } from "./ui/fake-run.ts";

const folder = mkdtempSync(join(tmpdir(), "grappa-ui-"));
const children: ReturnType<typeof spawn>[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const start = async (...args: string[]) => {
  const child = spawn(process.execPath, ["dist/cli/main.js", "ui", ...args]);
  children.push(child);
  const told = { out: "", error: "" };
  const exit = new Promise<number | null>((resolve) => child.on("exit", resolve));
  child.stderr.on("data", (data: Buffer) => (told.error += String(data)));
  const began = new Promise<void>((resolve) => {
    child.stdout.on("data", (data: Buffer) => {
      told.out += String(data);
      resolve();
    });
    child.stderr.on("data", (data: Buffer) => String(data).includes("Ctrl-C") && resolve());
  });
  await Promise.race([began, exit]);
  return { child, told, exit };
};

test("prints an address whose token opens the API, serves the built page, and ends with 0 although a stream is open", async () => {
  writeFakeRun(join(folder, "a-run"));
  const { child, told, exit } = await start(folder, "--port", "0", "--json");
  const { address, url } = JSON.parse(told.out) as { address: string; url: string };
  const token = /^http:\/\/127\.0\.0\.1:\d+\/#token=([\w-]{32})$/.exec(address)?.[1];
  const headers = { authorization: `Bearer ${token}` };
  expect((await ask(`${url}/api/runs`, headers)).json()).toMatchObject({ runs: [{ name: "a-run" }] });
  expect((await ask(`${url}/api/runs`)).status).toBe(401);
  const page = await ask(`${url}/`);
  const assets = [...page.text.matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g)].map(([, path]) => path);
  expect(assets).toHaveLength(2);
  for (const path of assets) {
    const asset = await ask(`${url}${path}`);
    expect(asset.status).toBe(200);
    expect(asset.headers["content-type"]).toMatch(/^text\/(javascript|css)/);
    expect((await ask(`${url}${path}`, { "if-none-match": String(asset.headers.etag) })).status).toBe(304);
  }
  // No inline script or style, which the policy would refuse.
  expect(page.text).not.toMatch(/<script(?![^>]*src=)|<style|style=/);
  const stream = await fetch(`${url}/api/runs/a-run/live`, { headers });
  expect(stream.status).toBe(200);
  child.kill("SIGTERM");
  expect(await exit).toBe(0);
});

test("says where it is in words, on standard error alone", async () => {
  const { child, told, exit } = await start(folder, "--port", "0");
  expect(told.out).toBe("");
  expect(told.error).toMatch(/ {2}http:\/\/127\.0\.0\.1:\d+\/#token=[\w-]{32}\n/);
  child.kill("SIGINT");
  expect(await exit).toBe(0);
});

test("a folder that is not there, and a port that is taken, are told before anything is served", async () => {
  const machine = await fakeMachine();
  const { exitCode, stderr } = await machine.run("ui", "nowhere");
  expect(exitCode).not.toBe(0);
  expect(stderr).toContain("nowhere: no such folder");
  const first = await start(folder, "--port", "0", "--json");
  const { port } = new URL((JSON.parse(first.told.out) as { url: string }).url);
  const second = await start(folder, "--port", port);
  expect(await second.exit).not.toBe(0);
  expect(second.told.error).toContain(`port ${port} on 127.0.0.1 cannot be had`);
});

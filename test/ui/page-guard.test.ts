/** @file Nobody but the page itself reads its server: token, Host and Origin, over real sockets. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ask } from "./ask.ts";
import { writeFakeRun } from "./fake-run.ts";
import { type ServedPage, servePage, TOKEN } from "./serve-page.ts";

const folder = mkdtempSync(join(tmpdir(), "grappa-page-"));
const OURS = { authorization: `Bearer ${TOKEN}` };
let server: ServedPage;
let port: string;

beforeAll(async () => {
  writeFakeRun(join(folder, "runs", "a-run"));
  // Runs too, but not in the folder that is served.
  writeFakeRun(folder);
  writeFakeRun(join(folder, "outside"));
  server = await servePage(join(folder, "runs"));
  port = new URL(server.url).port;
});
afterAll(async () => {
  await server.close();
  rmSync(folder, { recursive: true, force: true });
});

const status = async (path: string, headers: Record<string, string> = {}, method = "GET") =>
  (await ask(`${server.url}${path}`, headers, method)).status;

describe("the token", () => {
  test("opens the API, and nothing else does", async () => {
    expect(await status("/api/runs", OURS)).toBe(200);
    for (const authorization of [
      "",
      "Bearer ",
      `Bearer ${TOKEN}x`,
      `Bearer ${TOKEN.slice(1)}`,
      `Basic ${TOKEN}`,
      TOKEN,
    ])
      expect(await status("/api/runs", authorization === "" ? {} : { authorization }), authorization).toBe(401);
    expect(await status("/api/runs", { cookie: `token=${TOKEN}` })).toBe(401);
    expect(await status(`/api/runs?token=${TOKEN}`)).toBe(401);
  });

  test("opens no stream that nobody would end: HEAD is not answered", async () => {
    for (let place = 0; place < 40; place++) expect(await status("/api/runs/a-run/live", OURS, "HEAD")).toBe(405);
    const live = new AbortController();
    const { status: opened } = await fetch(`${server.url}/api/runs/a-run/live`, { headers: OURS, signal: live.signal });
    live.abort();
    expect(opened).toBe(200);
  });

  test("is asked for before it is said whether an address exists", async () => {
    for (const path of ["/api/nothing", "/api/runs/nobody", "/api/runs/a-run/live"])
      expect(await status(path)).toBe(401);
  });

  test("is not needed for the page's own files, which hold nothing of a run", async () => {
    const page = await ask(`${server.url}/`);
    expect(page.status).toBe(200);
    expect(page.text).toBe("<!doctype html>");
  });
});

describe("other names and other sites", () => {
  test("a server called by another name does not answer, whatever else is right", async () => {
    for (const host of [
      `evil.example:${port}`,
      "evil.example",
      "127.0.0.1",
      `127.0.0.1.evil.example:${port}`,
      "127.0.0.1:1",
    ])
      for (const path of ["/", "/api/runs"]) expect(await status(path, { ...OURS, host }), host).toBe(403);
    expect(await status("/api/runs", { ...OURS, host: `localhost:${port}` })).toBe(200);
  });

  test("a request that says it comes from elsewhere is refused", async () => {
    for (const origin of [
      "http://evil.example",
      "null",
      `http://127.0.0.1:${Number(port) + 1}`,
      `https://127.0.0.1:${port}`,
    ])
      for (const path of ["/", "/api/runs"]) expect(await status(path, { ...OURS, origin }), origin).toBe(403);
    expect(await status("/api/runs", { ...OURS, origin: `http://127.0.0.1:${port}` })).toBe(200);
    expect(await status("/api/runs", { ...OURS, "sec-fetch-site": "cross-site" })).toBe(403);
    expect(await status("/api/runs", { ...OURS, "sec-fetch-site": "same-site" })).toBe(403);
    expect(await status("/api/runs", { ...OURS, "sec-fetch-site": "same-origin" })).toBe(200);
  });

  test("what writes must say that it comes from here, and there is nothing yet that it could write", async () => {
    for (const method of ["POST", "PUT", "DELETE", "PATCH"]) {
      expect(await status("/api/runs", OURS, method)).toBe(403);
      expect(await status("/api/runs", { ...OURS, origin: `http://127.0.0.1:${port}` }, method)).toBe(404);
    }
    expect(await status("/api/runs", { ...OURS, origin: "http://evil.example" }, "OPTIONS")).toBe(403);
  });

  test("every answer keeps the page to itself, errors too", async () => {
    for (const [path, headers] of [
      ["/", {}],
      ["/nothing", {}],
      ["/api/runs", {}],
      ["/api/runs", OURS],
      ["/api/runs", { host: "evil.example" }],
    ] as const) {
      const reply = await ask(`${server.url}${path}`, headers);
      const policy = String(reply.headers["content-security-policy"]);
      expect(policy).toContain("default-src 'none'");
      expect(policy).toContain("frame-ancestors 'none'");
      expect(policy).toContain("require-trusted-types-for 'script'");
      expect(policy).not.toMatch(/unsafe|https?:|\*/);
      expect(reply.headers).toMatchObject({
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
        "cross-origin-resource-policy": "same-origin",
      });
      expect(reply.headers).not.toHaveProperty("access-control-allow-origin");
      expect(reply.headers).not.toHaveProperty("set-cookie");
    }
  });
});

test("no path leads out of the folder of runs", async () => {
  const names = [
    "..",
    "%2e%2e",
    "..%2foutside",
    "..%2f..%2fetc",
    "a-run%2f..%2fa-run",
    "%00",
    ".",
    "%E0%A4%A",
    "..%5coutside",
  ];
  for (const name of names)
    for (const route of ["", "/money", "/live"])
      expect(await status(`/api/runs/${name}${route}`, OURS), `${name}${route}`).toBe(404);
  expect(await status("/api/runs/a-run", OURS)).toBe(200);
  expect(await status("/../package.json")).toBe(404);
  expect(server.failures).toEqual([]);
});

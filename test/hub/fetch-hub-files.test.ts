import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { fetchHubFiles, type FetchPorts, type HubFiles } from "../../src/adapters/datasets/hub/fetch-hub-files.ts";
import { parseHubReference } from "../../src/adapters/datasets/hub/hub-reference.ts";
import { FAKE_COMMIT, type FakeHub, type Misbehaviour, refuse, sendFile, startFakeHub } from "./fake-hub.ts";

const LARGE = Buffer.from(
  Array.from({ length: 300 }, (_, i) => `{"problem": "${i}+1?", "answer": ${i + 1}}\n`).join(""),
);
const SMALL = Buffer.from('{"question": "1+1?"}\n');
const FILES = { "data/test.jsonl": LARGE, "extra/é one.jsonl": SMALL };
const TOKEN = "hf_madeHereForTests";

let hub: FakeHub | undefined;
afterEach(async () => {
  await hub?.close();
  hub = undefined;
});

const cache = (): string => mkdtempSync(join(tmpdir(), "grappa-hub-"));

async function start(misbehave?: Misbehaviour): Promise<FakeHub> {
  hub = await startFakeHub(FILES, misbehave);
  return hub;
}

function fetchFiles(reference: string, ports: Partial<FetchPorts> = {}): Promise<HubFiles> {
  return fetchHubFiles(parseHubReference(reference), {
    endpoint: hub?.endpoint ?? "http://127.0.0.1:9",
    token: undefined,
    cacheFolder: cache(),
    waiting: { now: () => 0, sleep: async () => {}, seed: 0 },
    signal: new AbortController().signal,
    ...ports,
  });
}

const paths = (): (string | undefined)[] => (hub?.seen ?? []).map(({ origin, path }) => `${origin} ${path}`);
const partOf = (cacheFolder: string, file: string): string =>
  join(cacheFolder, "hub", "made--set", FAKE_COMMIT, "files", ...file.split("/")) + ".part";

async function leavePart(cacheFolder: string, bytes: Buffer): Promise<void> {
  const part = partOf(cacheFolder, "data/test.jsonl");
  await mkdir(dirname(part), { recursive: true });
  writeFileSync(part, bytes);
}

describe("fetchHubFiles", () => {
  it("resolves a branch, follows pages and redirects, and gives the file whole", async () => {
    await start();
    const { commit, paths: found, isOffline } = await fetchFiles("hf:made/set@main:test");
    expect({ commit, isOffline }).toEqual({ commit: FAKE_COMMIT, isOffline: false });
    expect(found.map((path) => readFileSync(path).equals(LARGE))).toEqual([true]);
    expect(paths().map((path) => path?.replace(/\?.*/, ""))).toEqual([
      "hub /api/datasets/made/set/revision/main",
      `hub /api/datasets/made/set/tree/${FAKE_COMMIT}`,
      `hub /api/datasets/made/set/tree/${FAKE_COMMIT}`,
      `hub /datasets/made/set/resolve/${FAKE_COMMIT}/data/test.jsonl`,
      "cdn /made/set/data%2Ftest.jsonl",
    ]);
  });

  it("sends the token to the hub and to no other origin", async () => {
    await start();
    await fetchFiles("hf:made/set@main:data/test.jsonl", { token: ` ${TOKEN}\n` });
    const of = (origin: string) => hub?.seen.filter((seen) => seen.origin === origin).map((seen) => seen.authorization);
    expect(new Set(of("hub"))).toEqual(new Set([`Bearer ${TOKEN}`]));
    expect(of("cdn")).toEqual([undefined]);
  });

  it("needs no network for a commit that is in the cache, and takes a branch's last commit", async () => {
    const cacheFolder = cache();
    await start();
    const online = await fetchFiles("hf:made/set@main:extra/é one.jsonl", { cacheFolder });
    expect(readFileSync(online.paths[0] ?? "").equals(SMALL)).toBe(true);
    await hub?.close();
    hub = undefined;
    const pinned = await fetchFiles(`hf:made/set@${FAKE_COMMIT}:extra/é one.jsonl`, { cacheFolder });
    expect(pinned).toEqual({ ...online, isOffline: false });
    expect(await fetchFiles("hf:made/set@main:extra/é one.jsonl", { cacheFolder })).toEqual({
      ...online,
      isOffline: true,
    });
    await expect(fetchFiles("hf:made/set@other:test", { cacheFolder })).rejects.toMatchObject({ code: "network" });
  });

  it("goes on from what an earlier try left", async () => {
    const cacheFolder = cache();
    await leavePart(cacheFolder, LARGE.subarray(0, 4321));
    await start();
    const { paths: found } = await fetchFiles("hf:made/set@main:test", { cacheFolder });
    expect(readFileSync(found[0] ?? "").equals(LARGE)).toBe(true);
    expect(hub?.seen.at(-1)).toMatchObject({ origin: "cdn", range: "bytes=4321-" });
  });

  it.each<[string, Buffer]>([
    ["of other bytes", Buffer.alloc(5000, "x")],
    ["whole but of other bytes", Buffer.alloc(LARGE.length, "x")],
    ["too long", Buffer.alloc(LARGE.length + 1, "x")],
  ])("starts anew where what is left is %s", async (_, left) => {
    const cacheFolder = cache();
    await leavePart(cacheFolder, left);
    await start();
    const { paths: found } = await fetchFiles("hf:made/set@main:test", { cacheFolder });
    expect(readFileSync(found[0] ?? "").equals(LARGE)).toBe(true);
    expect(hub?.seen.at(-1)?.range).toBe("bytes=0-");
  });

  it("mends a file of the cache that was damaged", async () => {
    const cacheFolder = cache();
    await start();
    const { paths: found } = await fetchFiles("hf:made/set@main:test", { cacheFolder });
    truncateSync(found[0] ?? "", 10);
    await fetchFiles("hf:made/set@main:test", { cacheFolder });
    expect(readFileSync(found[0] ?? "").equals(LARGE)).toBe(true);
  });

  it("goes on after a connection that breaks, from the byte where it broke", async () => {
    let breaks = 2;
    await start(({ origin, range }, response, body) => {
      if (origin !== "cdn" || body === undefined || breaks-- <= 0) return false;
      const start = Number(range?.match(/[0-9]+/)?.[0]);
      response.writeHead(206, {
        "content-length": body.length - start,
        "content-range": `bytes ${start}-${body.length - 1}/${body.length}`,
      });
      response.write(body.subarray(start, start + 3000), () => setTimeout(() => response.destroy(), 30));
      return true;
    });
    const { paths: found } = await fetchFiles("hf:made/set@main:test");
    expect(readFileSync(found[0] ?? "").equals(LARGE)).toBe(true);
    expect(hub?.seen.filter(({ origin }) => origin === "cdn").map(({ range }) => range)).toEqual([
      "bytes=0-",
      "bytes=3000-",
      "bytes=6000-",
    ]);
  });

  it.each<[string, Misbehaviour]>([
    ["ignores ranges", (_, response, body) => (sendFile(response, body, undefined), true)],
    [
      "answers 416",
      ({ range }, response, body) =>
        range !== "bytes=0-" && (response.writeHead(416, { "content-range": `bytes */${body?.length}` }).end(), true),
    ],
    [
      "sends another range than asked for",
      ({ range }, response, body) =>
        range !== "bytes=0-" &&
        (response
          .writeHead(206, { "content-range": `bytes 7-${LARGE.length - 1}/${LARGE.length}` })
          .end(body?.subarray(7)),
        true),
    ],
  ])("copes with a server that %s", async (_, misbehave) => {
    const cacheFolder = cache();
    await leavePart(cacheFolder, LARGE.subarray(0, 100));
    await start((seen, response, body) => seen.origin === "cdn" && misbehave(seen, response, body));
    const { paths: found } = await fetchFiles("hf:made/set@main:test", { cacheFolder });
    expect(
      createHash("sha256")
        .update(readFileSync(found[0] ?? ""))
        .digest("hex"),
    ).toBe(createHash("sha256").update(LARGE).digest("hex"));
  });

  it("waits and tries again after 429 and 503, as long as asked", async () => {
    const slept: number[] = [];
    let refusals = 2;
    await start(({ path }, response) => {
      if (!path.includes("/revision/") || refusals-- <= 0) return false;
      response.writeHead(refusals === 1 ? 429 : 503, { "retry-after": "2" }).end();
      return true;
    });
    const sleep = async (ms: number): Promise<void> => void slept.push(ms);
    await fetchFiles("hf:made/set@main:test", { waiting: { now: () => 0, sleep, seed: 0 } });
    expect(slept).toHaveLength(2);
    for (const ms of slept) expect(ms).toBeGreaterThanOrEqual(2000);
  });
});

describe("a fetch that fails", () => {
  const api: (answer: (response: Parameters<Misbehaviour>[1]) => boolean) => Misbehaviour =
    (answer) =>
    ({ path }, response) =>
      path.startsWith("/api/") && answer(response);

  it.each([
    [403, undefined, "HF_TOKEN is not set"],
    [401, undefined, "HF_TOKEN is not set"],
    [403, TOKEN, "the account of HF_TOKEN has no access"],
  ])("%i for a gated set, token %s: names the page, not the token", async (status, token, what) => {
    await start(api((response) => refuse(response, status, "GatedRepo")));
    const page = `${hub?.endpoint}/datasets/made/set`;
    const error = await fetchFiles("hf:made/set@main:test", { token }).catch((failure: unknown) => failure);
    expect(error).toMatchObject({ code: "file-denied", data: { page }, hint: expect.stringContaining(page) });
    expect(String(error)).toContain(what);
    expect(JSON.stringify([error, String(error)])).not.toContain(TOKEN);
  });

  it.each([
    [404, "RepoNotFound", "file-missing", "the hub knows no data set made/set"],
    [401, "", "file-missing", "or it is private"],
    [404, "RevisionNotFound", "file-missing", "has no such revision"],
    [400, "", "provider-permanent", "answered 400"],
    [500, "", "provider", "answered 500"],
  ])("%i %s is %s", async (status, code, expected, message) => {
    await start(api((response) => refuse(response, status, code)));
    await expect(fetchFiles("hf:made/set@main:test")).rejects.toMatchObject({
      code: expected,
      message: expect.stringContaining(message),
    });
    expect(hub?.seen).toHaveLength(status === 500 ? 5 : 1); // tries
  });

  it("says which files there are where none fits", async () => {
    await start();
    await expect(fetchFiles("hf:made/set@main:train")).rejects.toMatchObject({
      code: "file-missing",
      hint: expect.stringContaining("data/test.jsonl, extra/é one.jsonl"),
    });
    await expect(fetchFiles("hf:made/set@main")).rejects.toMatchObject({ code: "usage" });
  });

  it("refuses a file whose hash is wrong twice", async () => {
    await start(({ origin }, response) => {
      if (origin !== "cdn") return false;
      sendFile(response, Buffer.alloc(LARGE.length, "y"), undefined);
      return true;
    });
    await expect(fetchFiles("hf:made/set@main:test")).rejects.toMatchObject({
      code: "file-corrupt",
      message: expect.stringContaining("another hash than the hub's list says, twice"),
    });
  });

  it("refuses a server that sends more than it listed", async () => {
    await start(({ origin }, response, body) => {
      if (origin !== "cdn" || body === undefined) return false;
      sendFile(response, Buffer.concat([body, Buffer.from("more")]), undefined);
      return true;
    });
    await expect(fetchFiles("hf:made/set@main:test")).rejects.toMatchObject({ code: "network" });
  });

  it.each(["../../escaped.jsonl", "/etc/x.jsonl", "a/./b.jsonl", "a\\b.jsonl", "c:x.jsonl"])(
    "refuses a list that holds the path %s",
    async (path) => {
      await start(({ path: asked }, response) => {
        if (!asked.includes("/tree/")) return false;
        response.end(JSON.stringify([{ type: "file", path, size: 1, oid: "1".repeat(40) }]));
        return true;
      });
      await expect(fetchFiles("hf:made/set@main")).rejects.toMatchObject({
        code: "provider-permanent",
        message: expect.stringContaining("leaves the data set"),
      });
    },
  );

  it("follows no list to another server, and no redirects in a circle", async () => {
    await start(({ path }, response) => {
      if (!path.includes("/tree/")) return false;
      response.writeHead(200, { link: '<http://127.0.0.1:9/steal>; rel="next"' }).end("[]");
      return true;
    });
    await expect(fetchFiles("hf:made/set@main", { token: TOKEN })).rejects.toMatchObject({
      code: "provider-permanent",
    });
    await hub?.close();
    await start(({ path }, response) => (response.writeHead(302, { location: path }).end(), true));
    await expect(fetchFiles("hf:made/set@main")).rejects.toMatchObject({
      message: expect.stringContaining("redirects"),
    });
  });

  it("stops when told to, and keeps what came", async () => {
    const stop = new AbortController();
    const cacheFolder = cache();
    await start(({ origin }, response, body) => {
      if (origin !== "cdn" || body === undefined) return false;
      response.writeHead(206, { "content-range": `bytes 0-${body.length - 1}/${body.length}` });
      response.write(body.subarray(0, 2000), () => setTimeout(() => stop.abort(), 30));
      return true;
    });
    const fetching = fetchFiles("hf:made/set@main:test", { cacheFolder, signal: stop.signal });
    await expect(fetching).rejects.toMatchObject({ code: "interrupted" });
    expect(readFileSync(partOf(cacheFolder, "data/test.jsonl")).equals(LARGE.subarray(0, 2000))).toBe(true);
  });

  it.each(["ftp://hub", "no address", "http://user:pw@127.0.0.1"])("refuses the endpoint %s", async (endpoint) => {
    await expect(fetchFiles("hf:made/set@main", { endpoint })).rejects.toMatchObject({ code: "usage" });
  });

  it("refuses a token that could break a header, without showing it", async () => {
    const error = await fetchFiles("hf:made/set@main", { token: "secret\r\nx: y" }).catch(
      (failure: unknown) => failure,
    );
    expect(error).toMatchObject({ code: "usage" });
    expect(String(error)).not.toContain("secret");
  });
});

describe("parseHubReference", () => {
  it.each([
    ["hf:openai/gsm8k@main:main/test", "openai/gsm8k", "main", "main/test"],
    ["hf:gsm8k@v1.0", "gsm8k", "v1.0", undefined],
    ["hf:a/b@refs/convert/parquet:data/x y.csv", "a/b", "refs/convert/parquet", "data/x y.csv"],
  ])("%s", (text, repo, revision, selection) => {
    expect(parseHubReference(text)).toEqual({ repo, revision, selection });
  });

  it.each([
    "hf:",
    "hf:a/b",
    "hf:a/b/c@main",
    "hf:../b@main",
    "hf:a/b@main:../x",
    "hf:a/b@..",
    "hf:a b/c@main",
    "a/b@main",
  ])("refuses %s", (text) => {
    expect(() => parseHubReference(text)).toThrow(expect.objectContaining({ code: "usage" }));
  });
});

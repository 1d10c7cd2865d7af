import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { downloadWeights } from "./download-weights.ts";

const BODY = Buffer.from("weights of a student, all of them");
const ETAG = '"one"';
let server: Server;
let ranges: (string | undefined)[];
let tellsSize: boolean;
let folder: string;
/** Ranges as RFC 9110 has them: nothing after the end is a 416. */
beforeAll(async () => {
  server = createServer(({ headers: { range } }, response) => {
    ranges.push(range);
    const from = Number(/^bytes=([0-9]+)-$/.exec(range ?? "")?.[1] ?? 0);
    const size = { "content-range": `bytes */${BODY.length}` };
    if (from >= BODY.length) return void response.writeHead(416, tellsSize ? size : {}).end();
    const part = { "content-range": `bytes ${from}-${BODY.length - 1}/${BODY.length}` };
    response.writeHead(range === undefined ? 200 : 206, { etag: ETAG, ...(range === undefined ? {} : part) });
    response.end(BODY.subarray(from));
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
});
afterAll(() => server.close());
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "grappa-weights-"));
  ranges = [];
  tellsSize = true;
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function download(part: Buffer): Promise<Buffer> {
  const to = join(folder, "weights.tar.zst");
  writeFileSync(`${to}.part`, part);
  writeFileSync(`${to}.etag`, ETAG);
  const { port } = server.address() as AddressInfo;
  await downloadWeights(
    {
      url: new URL(`http://127.0.0.1:${port}/weights`),
      headers: {},
      called: "made",
      redact: (text) => text,
      to,
      maxBytes: 1000,
      onBytes: () => undefined,
    },
    new AbortController().signal,
  );
  return readFileSync(to);
}

test("what a kill left whole and not renamed is taken as it is", async () => {
  expect(await download(BODY)).toEqual(BODY);
  expect(ranges).toEqual([`bytes=${BODY.length}-`]);
});

test.each([
  ["is longer than the whole", Buffer.concat([BODY, BODY]), true],
  ["is as long as a server tells not", BODY, false],
])("what %s is downloaded anew", async (_what, part, tells) => {
  tellsSize = tells;
  expect(await download(part)).toEqual(BODY);
  expect(ranges).toEqual([`bytes=${part.length}-`, undefined]);
});

test("what is cut short is gone on with", async () => {
  expect(await download(BODY.subarray(0, 10))).toEqual(BODY);
  expect(ranges).toEqual(["bytes=10-"]);
});

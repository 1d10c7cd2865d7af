import { once } from "node:events";
import { createServer, request, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { dropBody, readBody } from "./read-body.ts";

const MOST = 1000;
let server: Server;
let outcomes: unknown[];
beforeEach(async () => {
  outcomes = [];
  server = createServer((incoming, outgoing) => {
    readBody(incoming, MOST).then(
      (text) => outgoing.end(JSON.stringify({ text, kept: outcomes.push(text) })),
      async (error: { status: number; message: string }) => {
        outcomes.push(error.message);
        await dropBody(incoming);
        outgoing.writeHead(error.status).end();
      },
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});
afterEach(() => void server.close());

const post = async (body: BodyInit): Promise<Response> => {
  const { port } = server.address() as AddressInfo;
  return await fetch(`http://127.0.0.1:${port}`, { method: "POST", body, duplex: "half" } as RequestInit);
};
const inPieces = (count: number): ReadableStream =>
  new ReadableStream({
    pull: (controller) => (count-- > 0 ? controller.enqueue(new Uint8Array(400).fill(65)) : controller.close()),
  });

test("a body comes whole, its length told or not, and up to the limit", async () => {
  expect(await (await post("na\u00efve")).json()).toMatchObject({ text: "na\u00efve" });
  expect(await (await post(inPieces(2))).json()).toMatchObject({ text: "A".repeat(800) });
  expect(await (await post("x".repeat(MOST))).json()).toMatchObject({ text: "x".repeat(MOST) });
  expect(await (await post(new Uint8Array([0xef, 0xbb, 0xbf, 0x41, 0xff]))).json()).toMatchObject({ text: "A\uFFFD" });
});

test("one that is too large is refused, its length told or not, and the server goes on", async () => {
  expect((await post("x".repeat(MOST + 1))).status).toBe(413);
  expect((await post(inPieces(1000))).status).toBe(413);
  expect((await post("1")).status).toBe(200);
});

test("a client that leaves in its middle is told of once", async () => {
  const { port } = server.address() as AddressInfo;
  const client = request({ port, host: "127.0.0.1", method: "POST", headers: { "content-length": 100 } });
  client.on("error", () => undefined);
  client.write("half");
  await once(server, "request"); // a client that leaves before it is heard is told of to nobody
  client.destroy();
  await expect.poll(() => outcomes).toEqual(["the body is not whole"]);
});

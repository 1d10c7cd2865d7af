/** @file Who is sent which authorization: one header at most, and what was meant for one server goes to no other. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { HubHttp } from "../../src/adapters/datasets/hub/hub-http.ts";

let servers: Server[];
let seen: { host: string | undefined; authorization: string[] | undefined }[];
let http: HubHttp;

async function listen(location?: string): Promise<string> {
  const server = createServer((request, response) => {
    seen.push({ host: request.headers.host, authorization: request.headersDistinct["authorization"] });
    request
      .resume()
      .on("end", () =>
        response.writeHead(location === undefined ? 200 : 307, location === undefined ? {} : { location }).end(),
      );
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

beforeEach(() => {
  [servers, seen] = [[], []];
});
afterEach(async () => {
  await http.close();
  for (const server of servers) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

const send = (endpoint: string, headers: Record<string, string>): Promise<void> => {
  const waiting = { seed: 0, sleep: () => Promise.resolve(), now: () => 0 };
  http = new HubHttp({ endpoint, token: "hf_token", waiting, signal: new AbortController().signal });
  return http.try(
    () => ({ url: http.url(["verify"]), repo: "acme/set", headers, body: "{}" }),
    async (answer) => answer.drop(),
  );
};

test("a request's own authorization stands, whatever its case, and the token is left out", async () => {
  await send(await listen(), { Authorization: "Basic own" });
  expect(seen.map(({ authorization }) => authorization)).toEqual([["Basic own"]]);
});

test("neither goes along with a redirect to another server", async () => {
  const other = await listen();
  const hub = await listen(other);
  await send(hub, { Authorization: "Basic own" });
  await http.close();
  await send(hub, {});
  expect(seen.map(({ authorization }) => authorization)).toEqual([
    ["Basic own"],
    undefined,
    ["Bearer hf_token"],
    undefined,
  ]);
});

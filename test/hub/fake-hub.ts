/** @file A hub on loopback for tests, with a second origin for large files, that can misbehave in the ways that real ones do. */
import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** One request as the fake saw it. */
export interface SeenRequest {
  readonly origin: "hub" | "cdn";
  readonly path: string;
  readonly range: string | undefined;
  readonly authorization: string | undefined;
}

/** Answers a request instead of the hub; false leaves it to the hub. */
export type Misbehaviour = (seen: SeenRequest, response: ServerResponse, body: Buffer | undefined) => boolean;

/** The commit that `main` stands for. */
export const FAKE_COMMIT = "c0ffee".padEnd(40, "0");

/** A running fake. */
export interface FakeHub {
  readonly endpoint: string;
  readonly seen: SeenRequest[];
  close(): Promise<void>;
}

/** Serves one data set, `made/set`; files of more than 1,000 bytes are large ones, and redirect to the second origin. */
export async function startFakeHub(
  files: Readonly<Record<string, Buffer>>,
  misbehave: Misbehaviour = () => false,
): Promise<FakeHub> {
  return await startFakeHubOf({ "made/set": files }, misbehave);
}

/** Serves data sets and models, each by its name with the files that it has; every revision stands for the same commit. */
export async function startFakeHubOf(
  sets: Readonly<Record<string, Readonly<Record<string, Buffer>>>>,
  misbehave: Misbehaviour = () => false,
): Promise<FakeHub> {
  const seen: SeenRequest[] = [];
  let cdnOrigin = "";
  const note = (origin: SeenRequest["origin"], { url = "", headers }: IncomingMessage): SeenRequest => {
    const request = { origin, path: url, range: headers.range, authorization: headers.authorization };
    seen.push(request);
    return request;
  };
  const cdn = await listen((request, response) => {
    const noted = note("cdn", request);
    const [, owner = "", name = "", file = ""] = noted.path.split("/").map(decodeURIComponent);
    const body = sets[`${owner}/${name}`]?.[file];
    if (!misbehave(noted, response, body)) sendFile(response, body, noted.range);
  });
  cdnOrigin = originOf(cdn);
  const hub = await listen((request, response) => {
    const noted = note("hub", request);
    const [, repo = "", action = ""] =
      /^(?:(?:\/api)?\/datasets|\/api\/models|)\/([^/]+\/[^/]+)\/(revision|tree|resolve)\//.exec(noted.path) ?? [];
    const name = decodeURIComponent(/\/resolve\/[0-9a-f]{40}\/(.*)$/.exec(noted.path)?.[1] ?? "");
    const files = sets[repo];
    if (misbehave(noted, response, files?.[name])) return;
    if (files === undefined) refuse(response, 404, "RepoNotFound");
    else if (action === "revision") sendJson(response, { id: repo, sha: FAKE_COMMIT });
    else if (action === "tree") sendTree(response, files, noted.path);
    else if (!Object.hasOwn(files, name)) refuse(response, 404, "EntryNotFound");
    else if ((files[name]?.length ?? 0) > 1000)
      response.writeHead(302, { location: `${cdnOrigin}/${repo}/${encodeURIComponent(name)}` }).end();
    else sendFile(response, files[name], noted.range);
  });
  return {
    endpoint: originOf(hub),
    seen,
    close: async () => {
      await Promise.all([hub, cdn].map((server) => stop(server)));
    },
  };
}

/** A refusal as the hub words it. */
export function refuse(response: ServerResponse, status: number, code: string): true {
  response.writeHead(status, { "x-error-code": code, "x-error-message": "made here" }).end("no");
  return true;
}

/** A file, or the range of it that is asked for. */
export function sendFile(response: ServerResponse, body: Buffer | undefined, range: string | undefined): void {
  if (body === undefined) return void response.writeHead(404).end();
  const start = Number(/^bytes=([0-9]+)-$/.exec(range ?? "")?.[1] ?? -1);
  if (start >= body.length) return void response.writeHead(416, { "content-range": `bytes */${body.length}` }).end();
  if (start < 0) return void response.writeHead(200, { "content-length": body.length }).end(body);
  const rest = body.subarray(start);
  const headers = {
    "content-length": rest.length,
    "content-range": `bytes ${start}-${body.length - 1}/${body.length}`,
  };
  response.writeHead(206, headers).end(rest);
}

/** The list of files in two pages, as the API gives it. */
function sendTree(response: ServerResponse, files: Readonly<Record<string, Buffer>>, path: string): void {
  const entries = Object.entries(files).map(([name, body]) => {
    const oid = createHash("sha1").update(`blob ${body.length}\0`).update(body).digest("hex");
    const lfs = { oid: createHash("sha256").update(body).digest("hex"), size: body.length, pointerSize: 130 };
    return {
      type: "file",
      path: name,
      size: body.length,
      ...(body.length > 1000 ? { oid: "1".repeat(40), lfs } : { oid }),
    };
  });
  if (path.includes("cursor=")) return sendJson(response, entries.slice(1));
  const next = `<${path}&cursor=2>; rel="next"`;
  sendJson(response, [{ type: "directory", path: "data", oid: "2".repeat(40), size: 0 }, ...entries.slice(0, 1)], {
    link: next,
  });
}

function sendJson(response: ServerResponse, value: unknown, headers: Record<string, string> = {}): void {
  response.writeHead(200, { "content-type": "application/json", ...headers }).end(JSON.stringify(value));
}

async function listen(handler: (request: IncomingMessage, response: ServerResponse) => void): Promise<Server> {
  const server = createServer(handler);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server;
}

const originOf = (server: Server): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

async function stop(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise<void>((resolve) => server.close(() => resolve()));
}

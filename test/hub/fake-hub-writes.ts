/** @file A hub on loopback that can be written to, with a second origin for large files: the parts of its API that a push uses. */
import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** A file of the fake's data set. */
interface StoredFile {
  readonly bytes: Buffer;
  readonly isLarge: boolean;
}

/** One request as the fake saw it. */
export interface WriteRequest {
  readonly origin: "hub" | "store";
  readonly method: string;
  readonly path: string;
  /** All headers of that name, joined; there should be one. */
  readonly authorization: string | undefined;
}

/** A running fake. */
export interface WritableHub {
  readonly endpoint: string;
  readonly seen: WriteRequest[];
  /** The data set's files, once it is made. */
  readonly files: Map<string, StoredFile>;
  /** Large files by hash, committed or not. */
  readonly objects: Map<string, Buffer>;
  readonly commits: string[][];
  /** Hashes of the large files that came in parts and were put together. */
  readonly completed: string[];
  /** What was asked to be made: a data set or a model. */
  type: string | undefined;
  /** Whether the data set was made private; undefined while there is none. */
  isPrivate: boolean | undefined;
  /** Whether the token may make data sets; one that may not can still write to a data set that is there. */
  mayCreate: boolean;
  /** Awaited before a request is answered. */
  hold: (request: WriteRequest) => Promise<void>;
  close(): Promise<void>;
}

/** The only token that may write. */
export const WRITE_TOKEN = "hf_0123456789abcdefghij";

/** Where the hub wants to be told of a large file that is there, and the only authorization that it takes for it. */
export const VERIFY = "/acme/set.git/info/lfs/verify";
/** Where the hub wants to be told that all parts are there. */
export const COMPLETE = "/api/complete_multipart";
const verifyPath = (repo: string): string => `/${repo}.git/info/lfs/verify`;
const VERIFY_AUTHORIZATION = "Basic b2YtdGhlLWFjdGlvbg==";

/** What a hub of more than data sets answers; false leaves a request to the data set. */
export type ServeMore = (
  request: WriteRequest,
  exchange: { readonly body: Buffer; readonly response: ServerResponse; readonly storeOrigin: string },
) => boolean | Promise<boolean>;

/** What the fake holds, and how it wants large files. */
export interface HubKind {
  readonly repo?: string;
  /** Default: a data set. */
  readonly isModel?: boolean;
  /** Large files of more bytes go in parts of so many; default: all at once. */
  readonly chunkBytes?: number;
  readonly serveMore?: ServeMore;
}

/** Serves `acme/set`, or another, which is not there yet. Files of weights and Parquet are large ones, as the hub has it. */
export async function startWritableHub({
  repo = "acme/set",
  isModel = false,
  chunkBytes = Infinity,
  serveMore = () => false,
}: HubKind = {}): Promise<WritableHub> {
  const hub: State = {
    api: `/api/${isModel ? "models" : "datasets"}/${repo}`,
    git: `${isModel ? "" : "/datasets"}/${repo}.git`,
    chunkBytes,
    parts: new Map(),
    completed: [],
    type: undefined,
    seen: [],
    files: new Map(),
    objects: new Map(),
    commits: [],
    isPrivate: undefined,
    mayCreate: true,
    hold: () => Promise.resolve(),
  };
  const origins = { hub: "", store: "" };
  const serve = (origin: WriteRequest["origin"]) =>
    listen(async (request, response) => {
      const body = await bodyOf(request);
      const { method = "", url: path = "", headersDistinct } = request;
      const noted = { origin, method, path, authorization: headersDistinct["authorization"]?.join(", ") };
      hub.seen.push(noted);
      if (await serveMore(noted, { body, response, storeOrigin: origins.store })) return;
      if (origin === "store") await store(hub, noted, { body, response });
      else await answer(hub, noted, { body, response, origins, repo });
    });
  const [server, storing] = await Promise.all([serve("hub"), serve("store")]);
  Object.assign(origins, { hub: originOf(server), store: originOf(storing) });
  return Object.assign(hub, {
    endpoint: originOf(server),
    close: async () => {
      await Promise.all([server, storing].map((one) => stop(one)));
    },
  });
}

interface State extends Omit<WritableHub, "endpoint" | "close"> {
  /** Where its API and its git are. */
  readonly api: string;
  readonly git: string;
  readonly chunkBytes: number;
  /** Parts of large files by hash and number. */
  readonly parts: Map<string, Buffer>;
}

async function store(
  hub: State,
  request: WriteRequest,
  { body, response }: { body: Buffer; response: ServerResponse },
): Promise<void> {
  await hub.hold(request);
  const [, oid = "", part] = request.path.split("/");
  if (request.method !== "PUT" || request.authorization !== undefined) return void response.writeHead(400).end();
  if (part !== undefined) {
    hub.parts.set(`${oid}/${part}`, body);
    return void response.writeHead(200, { etag: etagOf(body) }).end();
  }
  if (createHash("sha256").update(body).digest("hex") !== oid) return void response.writeHead(400).end();
  hub.objects.set(oid, body);
  response.writeHead(200).end();
}

const etagOf = (body: Buffer): string => `"${createHash("md5").update(body).digest("hex")}"`;

/** Puts the parts of a large file together, where all are there and each has the tag that is told. */
function complete(hub: State, body: Buffer): boolean {
  const { oid, parts } = JSON.parse(body.toString()) as { oid: string; parts: { partNumber: number; etag: string }[] };
  const bytes = parts.map(({ partNumber, etag }, index) => {
    const part = hub.parts.get(`${oid}/${partNumber}`) ?? Buffer.alloc(0);
    return partNumber === index + 1 && etag === etagOf(part) ? part : Buffer.alloc(0);
  });
  const whole = Buffer.concat(bytes);
  if (createHash("sha256").update(whole).digest("hex") !== oid) return false;
  hub.objects.set(oid, whole);
  hub.completed.push(oid);
  return true;
}

/** Where a large file goes: the store, or the store by parts and then here. */
function uploadAction(
  hub: State,
  { oid, size }: { oid: string; size: number },
  origins: Record<"hub" | "store", string>,
) {
  if (size <= hub.chunkBytes) return { href: `${origins.store}/${oid}` };
  const parts = Array.from({ length: Math.ceil(size / hub.chunkBytes) }, (_, index) => index + 1);
  const places = parts.map((part) => [String(part).padStart(5, "0"), `${origins.store}/${oid}/${part}`] as const);
  return {
    href: `${origins.hub}${COMPLETE}`,
    header: { chunk_size: String(hub.chunkBytes), ...Object.fromEntries(places) },
  };
}

async function answer(
  hub: State,
  request: WriteRequest,
  {
    body,
    response,
    origins,
    repo,
  }: { body: Buffer; response: ServerResponse; origins: Record<"hub" | "store", string>; repo: string },
): Promise<void> {
  const { path, authorization } = request;
  if (path === verifyPath(repo))
    return void response.writeHead(authorization === VERIFY_AUTHORIZATION ? 200 : 403).end();
  if (authorization !== `Bearer ${WRITE_TOKEN}`) return void response.writeHead(403).end();
  const json = (value: unknown, status = 200): void =>
    void response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value));
  if (path === "/api/repos/create") {
    if (!hub.mayCreate) return json({ error: "no right to create" }, 403);
    if (hub.isPrivate !== undefined) return json({ error: "there" }, 409);
    const made = JSON.parse(body.toString()) as { private: boolean; type: string };
    [hub.isPrivate, hub.type] = [made.private, made.type];
    return json({ url: "made" });
  }
  if (hub.isPrivate === undefined) return json({}, 404);
  if (path === COMPLETE) return json({}, complete(hub, body) ? 200 : 400);
  if (path.startsWith(`${hub.api}/tree/main`)) return json(treeOf(hub));
  if (path === `${hub.api}/revision/main`) return json({ sha: String(hub.commits.length).padStart(40, "0") });
  if (path === `${hub.api}/preupload/main`) {
    const { files } = JSON.parse(body.toString()) as { files: { path: string }[] };
    return json({ files: files.map((file) => ({ ...file, uploadMode: isLarge(file.path) ? "lfs" : "regular" })) });
  }
  if (path === `${hub.git}/info/lfs/objects/batch`) {
    const { objects } = JSON.parse(body.toString()) as { objects: { oid: string; size: number }[] };
    return json({
      transfer: "basic",
      objects: objects.map(({ oid, size }) =>
        hub.objects.has(oid)
          ? { oid }
          : {
              oid,
              actions: {
                upload: uploadAction(hub, { oid, size }, origins),
                verify: { href: `${origins.hub}${verifyPath(repo)}`, header: { Authorization: VERIFY_AUTHORIZATION } },
              },
            },
      ),
    });
  }
  if (path === `${hub.api}/commit/main`) {
    take(hub, body.toString());
    await hub.hold(request);
    return json({ commitUrl: "there" });
  }
  json({}, 404);
}

const isLarge = (path: string): boolean => /\.(parquet|safetensors|gguf)$/.test(path);

interface CommitLine {
  readonly key: string;
  readonly value: { readonly path: string; readonly content?: string; readonly oid?: string };
}

function take(hub: State, ndjson: string): void {
  const lines = ndjson
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as CommitLine);
  for (const { key, value } of lines) {
    if (key === "file")
      hub.files.set(value.path, { bytes: Buffer.from(value.content ?? "", "base64"), isLarge: false });
    else if (key === "lfsFile") {
      const bytes = hub.objects.get(value.oid ?? "");
      if (bytes === undefined) throw new Error(`${value.path} was committed before it was uploaded`);
      hub.files.set(value.path, { bytes, isLarge: true });
    }
  }
  hub.commits.push(lines.slice(1).map(({ value }) => value.path));
}

function treeOf({ files }: State): object[] {
  return [...files].map(([path, { bytes, isLarge: large }]) => ({
    type: "file",
    path,
    size: bytes.length,
    ...(large
      ? { oid: "1".repeat(40), lfs: { oid: createHash("sha256").update(bytes).digest("hex"), size: bytes.length } }
      : { oid: createHash("sha1").update(`blob ${bytes.length}\0`).update(bytes).digest("hex") }),
  }));
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

async function listen(handler: (request: IncomingMessage, response: ServerResponse) => Promise<void>): Promise<Server> {
  // A client that is killed in the middle of a request ends it, and nothing else.
  const server = createServer((request, response) => void handler(request, response).catch(() => response.destroy()));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server;
}

const originOf = (server: Server): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

async function stop(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise<void>((resolve) => server.close(() => resolve()));
}

/**
 * @file Files to a data set of the hub, through its HTTP commit API: large ones are uploaded by their hash first, then one
 * commit puts all in place. What is there already by its hash is not sent again, so a push that was killed goes on.
 */
import { createHash } from "node:crypto";
import { z } from "zod";
import { AppError } from "../../../core/errors.ts";
import { getJson, type HubFile, listFiles, resolveRevision } from "./hub-files.ts";
import { HubHttp, type HubPorts } from "./hub-http.ts";

/** A file to push. */
export interface PushedFile {
  /** Its path in the data set. */
  readonly path: string;
  readonly bytes: Uint8Array;
  readonly sha256: string;
}

/** What to push, and where to. */
export interface PushRequest {
  /** `owner/name`. */
  readonly repo: string;
  readonly files: readonly PushedFile[];
  readonly message: string;
  /** Whether everybody may see the data set, where it is made now. */
  readonly isPublic: boolean;
}

/** What came of it. */
export interface PushOutcome {
  /** Paths that were sent, and those that were there already. */
  readonly sent: readonly string[];
  readonly unchanged: readonly string[];
  /** The data set's newest commit, in which all files are. */
  readonly commit: string;
}

const BRANCH = "main";
const SAMPLE_BYTES = 512;
/** The hub takes larger files in parts, which is not done here. */
const MAX_FILE_BYTES = 5 * 1024 ** 3;
const JSON_TYPE = { "content-type": "application/json" };

/**
 * Pushes files; the data set is made where there is none. Afterwards the hub is asked for its list, and every file's hash in
 * it is the one that was meant.
 *
 * @throws AppError "file-denied" where the token may not write; "limit-exceeded" above 5 GiB a file; "file-corrupt" where the hub
 *   lists another hash; "network", "provider".
 */
export async function pushFiles(request: PushRequest, ports: HubPorts): Promise<PushOutcome> {
  if (ports.token === undefined || ports.token.trim() === "")
    throw new AppError("usage", "HF_TOKEN is not set, and nobody may write to the hub without a token", {
      hint: "set HF_TOKEN to a token with write access",
    });
  const large = request.files.find(({ bytes }) => bytes.length > MAX_FILE_BYTES);
  if (large)
    throw new AppError("limit-exceeded", `${large.path}: ${large.bytes.length} bytes exceed ${MAX_FILE_BYTES}`);
  const http = new HubHttp(ports);
  try {
    return await pushMissing(request, http);
  } catch (error) {
    throw withWriteHint(error, request.repo);
  } finally {
    await http.close();
  }
}

async function pushMissing(request: PushRequest, http: HubHttp): Promise<PushOutcome> {
  const { repo, files } = request;
  await makeRepo(request, http);
  const there = await filesThere(http, repo);
  const isUnchanged = (file: PushedFile): boolean => isSame(there.get(file.path), file);
  const wanted = files.filter((file) => !isUnchanged(file));
  const unchanged = files.filter(isUnchanged).map(({ path }) => path);
  if (wanted.length > 0) {
    const modes = await uploadModes(http, repo, wanted);
    await uploadLarge(
      http,
      repo,
      wanted.filter(({ path }) => modes.get(path) === "lfs"),
    );
    await commit(http, request, { wanted, modes });
    await checkAll(http, request);
  }
  return { sent: wanted.map(({ path }) => path), unchanged, commit: await resolveRevision(http, repo, BRANCH) };
}

/** Sends JSON; the answer's. */
async function post(http: HubHttp, repo: string, { parts, value }: { parts: readonly string[]; value: unknown }) {
  const asked = { url: http.url(parts), repo, headers: JSON_TYPE, body: JSON.stringify(value) };
  return (await getJson(http, asked)).value;
}

/** Makes the data set. A token for one data set alone may make none, and is good where that one is there. */
async function makeRepo({ repo, isPublic }: PushRequest, http: HubHttp): Promise<void> {
  const [organization, name] = repo.split("/");
  const asked = {
    url: http.url(["api", "repos", "create"]),
    repo,
    headers: JSON_TYPE,
    body: JSON.stringify({ type: "dataset", organization, name, private: !isPublic }),
    accepts: [409], // it is there
  };
  await http
    .try(
      () => asked,
      async (answer) => answer.drop(),
    )
    .catch(async (refusal: unknown) => {
      if (statusOf(refusal) !== 403 || !(await isThere(http, repo))) throw refusal;
    });
}

/** Whether the token sees the data set. Throws as `HubHttp.try`, but not for what it may not see. */
async function isThere(http: HubHttp, repo: string): Promise<boolean> {
  try {
    await resolveRevision(http, repo, BRANCH);
    return true;
  } catch (error) {
    if (error instanceof AppError && (error.code === "file-missing" || error.code === "file-denied")) return false;
    throw error;
  }
}

/** Status of the hub's refusal; undefined for other errors. */
const statusOf = (error: unknown): unknown => (error instanceof AppError ? error.data["status"] : undefined);

/** Files of the branch; none while the data set is empty. */
async function filesThere(http: HubHttp, repo: string): Promise<Map<string, HubFile>> {
  const files = await listFiles(http, repo, BRANCH).catch((error: unknown) => {
    if (error instanceof AppError && error.code === "file-missing") return [];
    throw error;
  });
  return new Map(files.map((file) => [file.path, file]));
}

/** A large file is known by its SHA-256, a small one by git's hash of it. */
function isSame(there: HubFile | undefined, { bytes, sha256 }: PushedFile): boolean {
  if (there === undefined || there.size !== bytes.length) return false;
  if (there.lfs !== undefined) return there.lfs.oid === sha256;
  return there.oid === createHash("sha1").update(`blob ${bytes.length}\0`).update(bytes).digest("hex");
}

const Modes = z.object({ files: z.array(z.object({ path: z.string(), uploadMode: z.enum(["lfs", "regular"]) })) });

/** Which files the hub wants as large ones. */
async function uploadModes(http: HubHttp, repo: string, files: readonly PushedFile[]) {
  const value = {
    files: files.map(({ path, bytes }) => ({
      path,
      size: bytes.length,
      sample: Buffer.from(bytes.subarray(0, SAMPLE_BYTES)).toString("base64"),
    })),
  };
  const parts = ["api", "datasets", ...repo.split("/"), "preupload", BRANCH];
  const parsed = Modes.safeParse(await post(http, repo, { parts, value }));
  if (!parsed.success) throw strange("how files are to be sent");
  return new Map(parsed.data.files.map(({ path, uploadMode }) => [path, uploadMode]));
}

const Action = z.object({ href: z.url(), header: z.record(z.string(), z.string()).default({}) });
const Batch = z.object({
  objects: z.array(
    z.object({
      oid: z.string(),
      actions: z.object({ upload: Action.optional(), verify: Action.optional() }).optional(),
      error: z.object({ message: z.string() }).optional(),
    }),
  ),
});

/** Uploads by hash; the hub names no place for what it has already. */
async function uploadLarge(http: HubHttp, repo: string, files: readonly PushedFile[]): Promise<void> {
  if (files.length === 0) return;
  const [owner = "", name = ""] = repo.split("/");
  const parts = ["datasets", owner, `${name}.git`, "info", "lfs", "objects", "batch"];
  const objects = files.map(({ sha256, bytes }) => ({ oid: sha256, size: bytes.length }));
  const value = { operation: "upload", transfers: ["basic"], objects, hash_algo: "sha256" };
  const parsed = Batch.safeParse(await post(http, repo, { parts, value }));
  if (!parsed.success) throw strange("where large files go");
  for (const file of files) {
    const object = parsed.data.objects.find(({ oid }) => oid === file.sha256);
    if (object === undefined || object.error !== undefined)
      throw new AppError(
        "provider-permanent",
        `${file.path}: the hub takes it not: ${object?.error?.message ?? "it says nothing of it"}`,
      );
    const { upload, verify } = object.actions ?? {};
    if (upload !== undefined) await put(http, repo, { action: upload, file });
    if (verify !== undefined) await confirm(http, repo, { action: verify, file });
  }
}

interface Upload {
  readonly action: z.infer<typeof Action>;
  readonly file: PushedFile;
}

async function put(http: HubHttp, repo: string, { action, file }: Upload): Promise<void> {
  const asked = { url: new URL(action.href), repo, headers: action.header, body: file.bytes, method: "PUT" } as const;
  await http.try(
    () => asked,
    async (answer) => answer.drop(),
  );
}

async function confirm(http: HubHttp, repo: string, { action, file }: Upload): Promise<void> {
  const body = JSON.stringify({ oid: file.sha256, size: file.bytes.length });
  const asked = { url: new URL(action.href), repo, headers: { ...JSON_TYPE, ...action.header }, body };
  await http.try(
    () => asked,
    async (answer) => answer.drop(),
  );
}

interface Commit {
  readonly wanted: readonly PushedFile[];
  readonly modes: ReadonlyMap<string, "lfs" | "regular">;
}

/** One commit for all files. Sent twice by chance it changes nothing: the same files with the same content. */
async function commit(http: HubHttp, { repo, message }: PushRequest, { wanted, modes }: Commit): Promise<void> {
  const lines = [
    { key: "header", value: { summary: message, description: "" } },
    ...wanted.map(({ path, bytes, sha256 }) =>
      modes.get(path) === "lfs"
        ? { key: "lfsFile", value: { path, algo: "sha256", oid: sha256, size: bytes.length } }
        : { key: "file", value: { path, encoding: "base64", content: Buffer.from(bytes).toString("base64") } },
    ),
  ];
  const asked = {
    url: http.url(["api", "datasets", ...repo.split("/"), "commit", BRANCH]),
    repo,
    headers: { "content-type": "application/x-ndjson" },
    body: lines.map((line) => `${JSON.stringify(line)}\n`).join(""),
  };
  await http.try(
    () => asked,
    async (answer) => answer.drop(),
  );
}

/** What the hub lists now must be what was sent. */
async function checkAll(http: HubHttp, { repo, files }: PushRequest): Promise<void> {
  const there = await filesThere(http, repo);
  const other = files.find((file) => !isSame(there.get(file.path), file));
  if (other === undefined) return;
  throw new AppError("file-corrupt", `${repo}: the hub lists ${other.path} with another hash than was sent`, {
    hint: "push again; what is there with the right hash is not sent twice",
  });
}

function strange(what: string): AppError {
  return new AppError("provider-permanent", `the hub does not say ${what}`, {
    hint: "check HF_ENDPOINT: is it a Hugging Face hub?",
  });
}

/** A refusal to write is worded for readers by whoever made it. */
function withWriteHint(error: unknown, repo: string): unknown {
  const status = statusOf(error);
  if (status !== 401 && status !== 403) return error;
  return new AppError("file-denied", `the hub lets nobody write to ${repo} with this HF_TOKEN (${status})`, {
    hint: "set HF_TOKEN to a token with write access to that owner's data sets",
    data: { repo, status },
    cause: error,
  });
}

/**
 * @file Files to a data set or a model of the hub, through its HTTP commit API: large ones are uploaded by their hash first, then one
 * commit puts all in place. What is there already by its hash is not sent again, so a push that was killed goes on.
 */
import { z } from "zod";
import { AppError } from "../../../core/errors.ts";
import { getJson, type HubFile, listFiles, resolveRevision } from "./hub-files.ts";
import { HubHttp, type HubKind, type HubPorts } from "./hub-http.ts";
import { bytesOf, gitHash, type PushedFile } from "./pushed-file.ts";
import { uploadLarge } from "./upload-large.ts";

/** What to push, and where to. */
export interface PushRequest {
  /** `owner/name`. */
  readonly repo: string;
  /** Default: a data set. */
  readonly kind?: HubKind;
  readonly files: readonly PushedFile[];
  readonly message: string;
  /** Whether everybody may see it, where it is made now. */
  readonly isPublic: boolean;
  /** Told of bytes of large files sent so far and in all. */
  readonly progress?: (done: number, total: number) => void;
}

/** What came of it. */
export interface PushOutcome {
  /** Paths that were sent, and those that were there already. */
  readonly sent: readonly string[];
  readonly unchanged: readonly string[];
  /** The newest commit, in which all files are. */
  readonly commit: string;
}

const BRANCH = "main";
const SAMPLE_BYTES = 512;
/** Small files stand in the commit itself. */
const MAX_SMALL_BYTES = 64 * 1024 ** 2;
const JSON_TYPE = { "content-type": "application/json" };

/**
 * Pushes files; the data set or model is made where there is none. Afterwards the hub is asked for its list, and every file's hash in
 * it is the one that was meant.
 *
 * @throws AppError "file-denied" where the token may not write; "limit-exceeded" for a file that the hub takes neither in
 *   parts nor at once; "file-corrupt" where the hub lists another hash; "network", "provider".
 */
export async function pushFiles(request: PushRequest, ports: HubPorts): Promise<PushOutcome> {
  if (ports.token === undefined || ports.token.trim() === "")
    throw new AppError("usage", "HF_TOKEN is not set, and nobody may write to the hub without a token", {
      hint: "set HF_TOKEN to a token with write access",
    });
  const http = new HubHttp({ ...ports, kind: request.kind ?? "datasets" });
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
  const [wanted, unchanged]: [PushedFile[], string[]] = [[], []];
  for (const file of files)
    if (await isSame(there.get(file.path), file)) unchanged.push(file.path);
    else wanted.push(file);
  if (wanted.length > 0) {
    const modes = await uploadModes(http, repo, wanted);
    const large = wanted.filter(({ path }) => modes.get(path) === "lfs");
    await uploadLarge(http, { repo, files: large, progress: request.progress ?? (() => undefined) });
    await commit(http, request, { wanted, modes });
    await checkAll(http, request);
  }
  return { sent: wanted.map(({ path }) => path), unchanged, commit: await resolveRevision(http, repo, BRANCH) };
}

/** Sends JSON; the answer's. */
async function post(http: HubHttp, repo: string, { parts, value }: { parts: readonly string[]; value: unknown }) {
  const asked = { url: http.apiUrl(repo, parts), repo, headers: JSON_TYPE, body: JSON.stringify(value) };
  return (await getJson(http, asked)).value;
}

/** Makes it. A token for one data set or model alone may make none, and is good where that one is there. */
async function makeRepo({ repo, isPublic }: PushRequest, http: HubHttp): Promise<void> {
  const [organization, name] = repo.split("/");
  const type = http.kind === "models" ? "model" : "dataset";
  const asked = {
    url: http.url(["api", "repos", "create"]),
    repo,
    headers: JSON_TYPE,
    body: JSON.stringify({ type, organization, name, private: !isPublic }),
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

/** Whether the token sees it. Throws as `HubHttp.try`, but not for what it may not see. */
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

/** Files of the branch; none while it is empty. */
async function filesThere(http: HubHttp, repo: string): Promise<Map<string, HubFile>> {
  const files = await listFiles(http, repo, BRANCH).catch((error: unknown) => {
    if (error instanceof AppError && error.code === "file-missing") return [];
    throw error;
  });
  return new Map(files.map((file) => [file.path, file]));
}

/** A large file is known by its SHA-256, a small one by git's hash of it. */
async function isSame(there: HubFile | undefined, file: PushedFile): Promise<boolean> {
  if (there === undefined || there.size !== file.size) return false;
  return there.lfs === undefined ? there.oid === (await gitHash(file)) : there.lfs.oid === file.sha256;
}

const Modes = z.object({ files: z.array(z.object({ path: z.string(), uploadMode: z.enum(["lfs", "regular"]) })) });

/** Which files the hub wants as large ones. */
async function uploadModes(http: HubHttp, repo: string, files: readonly PushedFile[]) {
  const described = [];
  for (const file of files) {
    const sample = await bytesOf(file, 0, Math.min(SAMPLE_BYTES, file.size));
    described.push({ path: file.path, size: file.size, sample: sample.toString("base64") });
  }
  const parts = ["preupload", BRANCH];
  const value = { files: described };
  const parsed = Modes.safeParse(await post(http, repo, { parts, value }));
  if (!parsed.success) throw strange("how files are to be sent");
  return new Map(parsed.data.files.map(({ path, uploadMode }) => [path, uploadMode]));
}

interface Commit {
  readonly wanted: readonly PushedFile[];
  readonly modes: ReadonlyMap<string, "lfs" | "regular">;
}

/** One commit for all files. Sent twice by chance it changes nothing: the same files with the same content. */
async function commit(http: HubHttp, { repo, message }: PushRequest, { wanted, modes }: Commit): Promise<void> {
  const lines: object[] = [{ key: "header", value: { summary: message, description: "" } }];
  for (const file of wanted) lines.push(await commitLine(file, modes.get(file.path)));
  const asked = {
    url: http.apiUrl(repo, ["commit", BRANCH]),
    repo,
    headers: { "content-type": "application/x-ndjson" },
    body: lines.map((line) => `${JSON.stringify(line)}\n`).join(""),
  };
  await http.try(
    () => asked,
    async (answer) => answer.drop(),
  );
}

async function commitLine(file: PushedFile, mode: "lfs" | "regular" | undefined): Promise<object> {
  const { path, sha256, size } = file;
  if (mode === "lfs") return { key: "lfsFile", value: { path, algo: "sha256", oid: sha256, size } };
  if (size > MAX_SMALL_BYTES)
    throw new AppError(
      "limit-exceeded",
      `${path}: the hub wants ${size} bytes in its commit; at most ${MAX_SMALL_BYTES}`,
    );
  const content = (await bytesOf(file, 0, size)).toString("base64");
  return { key: "file", value: { path, encoding: "base64", content } };
}

/** What the hub lists now must be what was sent. */
async function checkAll(http: HubHttp, { repo, files }: PushRequest): Promise<void> {
  const there = await filesThere(http, repo);
  for (const file of files)
    if (!(await isSame(there.get(file.path), file)))
      throw new AppError("file-corrupt", `${repo}: the hub lists ${file.path} with another hash than was sent`, {
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
    hint: "set HF_TOKEN to a token with write access to what that owner has",
    data: { repo, status },
    cause: error,
  });
}

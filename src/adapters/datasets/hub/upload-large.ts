/**
 * @file Large files to the hub by git-lfs's batch API: whole, or in parts where the hub says `chunk_size`. For what it has by its
 * hash the hub names no place, so it is not sent again.
 *
 * @source https://github.com/git-lfs/git-lfs/blob/main/docs/api/batch.md; the transfer `multipart` is the hub's own.
 */
import { z } from "zod";
import { AppError } from "../../../core/errors.ts";
import { getJson } from "./hub-files.ts";
import type { HubHttp } from "./hub-http.ts";
import type { PushedFile } from "./pushed-file.ts";

/** What is uploaded, where to, and who is told. */
export interface LargeUpload {
  readonly repo: string;
  readonly files: readonly PushedFile[];
  /** Told of bytes sent so far and in all. */
  readonly progress: (done: number, total: number) => void;
}

const LFS_TYPE = { "content-type": "application/vnd.git-lfs+json", accept: "application/vnd.git-lfs+json" };
/** A store takes no more at once. */
const MAX_WHOLE_BYTES = 5 * 1024 ** 3;
const MAX_PARTS = 10_000;

const Action = z.object({ href: z.url(), header: z.record(z.string(), z.string()).default({}) });
type Action = z.infer<typeof Action>;
const Batch = z.object({
  objects: z
    .array(
      z.object({
        oid: z.string(),
        actions: z.object({ upload: Action.optional(), verify: Action.optional() }).optional(),
        error: z.object({ message: z.string() }).optional(),
      }),
    )
    .max(100),
});

/** Uploads them one after the other; each is asked for just before, since the places that the hub names expire. */
export async function uploadLarge(http: HubHttp, { repo, files, progress }: LargeUpload): Promise<void> {
  const total = files.reduce((sum, { size }) => sum + size, 0);
  let before = 0;
  for (const file of files) {
    const { upload, verify } = await actionsFor(http, repo, file);
    const sending = { repo, file, sent: (bytes: number) => progress(before + bytes, total) };
    if (upload !== undefined) await send(http, upload, sending);
    if (verify !== undefined) await tell(http, verify, { ...sending, value: { oid: file.sha256, size: file.size } });
    before += file.size;
    progress(before, total);
  }
}

async function actionsFor(http: HubHttp, repo: string, file: PushedFile) {
  const [owner = "", name = ""] = repo.split("/");
  const parts = [
    ...(http.kind === "models" ? [] : [http.kind]),
    owner,
    `${name}.git`,
    "info",
    "lfs",
    "objects",
    "batch",
  ];
  const objects = [{ oid: file.sha256, size: file.size }];
  const value = { operation: "upload", transfers: ["basic", "multipart"], objects, hash_algo: "sha256" };
  const asked = { url: http.url(parts), repo, headers: LFS_TYPE, body: JSON.stringify(value) };
  const parsed = Batch.safeParse((await getJson(http, asked)).value);
  if (!parsed.success) throw strange(file, "does not say where it goes");
  const object = parsed.data.objects.find(({ oid }) => oid === file.sha256);
  if (object === undefined || object.error !== undefined)
    throw strange(file, `takes it not: ${object?.error?.message.slice(0, 300) ?? "it says nothing of it"}`);
  return object.actions ?? {};
}

interface Sending {
  readonly repo: string;
  readonly file: PushedFile;
  /** Told of the bytes of this file that were sent. */
  readonly sent: (bytes: number) => void;
}

async function send(http: HubHttp, action: Action, sending: Sending): Promise<void> {
  const { file, repo } = sending;
  const chunk = action.header["chunk_size"];
  if (chunk !== undefined) return await sendParts(http, action, { ...sending, chunkBytes: Number(chunk) });
  if (file.size > MAX_WHOLE_BYTES)
    throw new AppError(
      "limit-exceeded",
      `${file.path}: ${file.size} bytes exceed ${MAX_WHOLE_BYTES}, and the hub offers no parts`,
    );
  const url = new URL(action.href);
  await put(http, { url, repo, headers: action.header }, stretch(sending, 0, file.size));
}

/** Each part to its own place, then the list of their tags to the action's. */
async function sendParts(http: HubHttp, action: Action, sending: Sending & { chunkBytes: number }): Promise<void> {
  const { file, repo, chunkBytes } = sending;
  const places = partPlaces(action, file, chunkBytes);
  const tags: { partNumber: number; etag: string }[] = [];
  for (const [index, url] of places.entries()) {
    const start = index * chunkBytes;
    const body = stretch(sending, start, Math.min(file.size, start + chunkBytes));
    const etag = await put(http, { url, repo, headers: {} }, body);
    if (etag === undefined) throw strange(file, "gives no tag for a part");
    tags.push({ partNumber: index + 1, etag });
  }
  const header = Object.entries(action.header).filter(([name]) => name !== "chunk_size" && !/^\d+$/.test(name));
  const completion = { href: action.href, header: Object.fromEntries(header) };
  await tell(http, completion, { ...sending, value: { oid: file.sha256, parts: tags } });
}

/** The parts' places, by their numbers; as many as the file has parts. */
function partPlaces({ header }: Action, file: PushedFile, chunkBytes: number): URL[] {
  const numbered = Object.entries(header)
    .filter(([name]) => /^\d{1,9}$/.test(name))
    .sort(([a], [b]) => Number(a) - Number(b));
  const parts = Number.isInteger(chunkBytes) && chunkBytes > 0 ? Math.ceil(file.size / chunkBytes) : 0;
  if (parts < 1 || parts > MAX_PARTS || parts !== numbered.length)
    throw strange(file, `names ${numbered.length} places for parts of ${chunkBytes} bytes`);
  return numbered.map(([, place]) => {
    const url = z.url().safeParse(place);
    if (!url.success) throw strange(file, "names no place for a part");
    return new URL(url.data);
  });
}

/** A stretch of the file as a body, told of as it is taken; another try tells of it anew. */
function stretch({ file, sent }: Sending, start: number, end: number) {
  return {
    length: end - start,
    async *pieces() {
      let taken = start;
      for await (const piece of file.read(start, end)) {
        yield piece;
        sent((taken += piece.length));
      }
    },
  };
}

interface Place {
  readonly url: URL;
  readonly repo: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Puts a body; the store's tag for it. */
async function put(http: HubHttp, place: Place, body: ReturnType<typeof stretch>): Promise<string | undefined> {
  return await http.try(
    () => ({ ...place, body, method: "PUT" }),
    async (answer) => {
      answer.drop();
      return answer.header("etag");
    },
  );
}

async function tell(
  http: HubHttp,
  { href, header }: Action,
  { repo, value }: Sending & { value: object },
): Promise<void> {
  const asked = { url: new URL(href), repo, headers: { ...LFS_TYPE, ...header }, body: JSON.stringify(value) };
  await http.try(
    () => asked,
    async (answer) => answer.drop(),
  );
}

function strange({ path }: PushedFile, what: string): AppError {
  return new AppError("provider-permanent", `${path}: the hub ${what}`, {
    hint: "check HF_ENDPOINT: is it a Hugging Face hub?",
  });
}

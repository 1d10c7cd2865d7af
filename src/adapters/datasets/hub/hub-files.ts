/** @file What the hub's API says of a data set: the commit of a revision, and its files with sizes and hashes. */
import { z } from "zod";
import { AppError } from "../../../core/errors.ts";
import type { HubAnswer, HubHttp, HubRequest } from "./hub-http.ts";

const MAX_JSON_BYTES = 32 * 1024 * 1024;
const MAX_PAGES = 100;
const COMMIT = /^[0-9a-f]{40}$/;

/** A file of a data set at a commit. */
export const HubFile = z.object({
  path: z.string(),
  size: z.int().min(0),
  /** SHA-1 of git's blob: of the content itself, or of the pointer to a large file. */
  oid: z.string().regex(COMMIT),
  lfs: z.object({ oid: z.string().regex(/^[0-9a-f]{64}$/) }).optional(),
});
export type HubFile = z.infer<typeof HubFile>;

const TreeEntry = z.object({ type: z.string(), path: z.string() });
const RevisionInfo = z.object({ sha: z.string().regex(COMMIT) });

/** Whether a revision is a commit already, which never changes. */
export function isCommit(revision: string): boolean {
  return COMMIT.test(revision);
}

/** The commit that a branch or tag stands for now. */
export async function resolveRevision(http: HubHttp, repo: string, revision: string): Promise<string> {
  const url = http.apiUrl(repo, ["revision", revision]);
  const { value } = await getJson(http, { url, repo });
  const parsed = RevisionInfo.safeParse(value);
  if (parsed.success) return parsed.data.sha;
  throw strange(url, "no commit in its answer");
}

/** Every file of a data set at a commit. */
export async function listFiles(http: HubHttp, repo: string, commit: string): Promise<readonly HubFile[]> {
  const files: HubFile[] = [];
  let url: URL | undefined = http.apiUrl(repo, ["tree", commit], { recursive: "true" });
  for (let page = 0; url !== undefined; page++) {
    if (page >= MAX_PAGES) throw strange(url, `a list of more than ${MAX_PAGES} pages`);
    const { value, next } = await getJson(http, { url, repo });
    files.push(...readTree(url, value));
    url = next;
  }
  return files;
}

function readTree(url: URL, value: unknown): HubFile[] {
  const entries = z.array(TreeEntry).safeParse(value);
  if (!entries.success) throw strange(url, "no list of files");
  const files = z.array(HubFile).safeParse((value as { type: string }[]).filter(({ type }) => type === "file"));
  if (!files.success) throw strange(url, "a file without size or hash");
  for (const { path } of files.data) if (!isSafePath(path)) throw strange(url, "a file whose path leaves the data set");
  return files.data;
}

/** Relative, with forward slashes, and nothing in it that means something to a file system. */
function isSafePath(path: string): boolean {
  return (
    path.length <= 1024 &&
    !/[\\:\u0000-\u001f]/.test(path) &&
    path.split("/").every((part) => part !== "" && part !== "." && part !== "..")
  );
}

/** The JSON of an answer of the hub, and where its list goes on. Throws as `HubHttp.try`. */
export async function getJson(http: HubHttp, asked: HubRequest): Promise<{ value: unknown; next: URL | undefined }> {
  return await http.try(
    () => asked,
    async (answer) => {
      const text = await readText(answer, asked.url);
      try {
        return { value: JSON.parse(text) as unknown, next: nextPage(answer, asked.url) };
      } catch (cause) {
        throw cause instanceof AppError ? cause : strange(asked.url, "no JSON");
      }
    },
  );
}

async function readText(answer: HubAnswer, url: URL): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of answer.body) {
    size += chunk.length;
    if (size > MAX_JSON_BYTES) throw strange(url, `more than ${MAX_JSON_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, size).toString("utf8");
}

/** `Link: <...>; rel="next"`, only on the hub's own origin. */
function nextPage(answer: HubAnswer, url: URL): URL | undefined {
  const target = /<([^>]+)>\s*;[^,]*\brel="?next"?/.exec(answer.header("link") ?? "")?.[1];
  if (target === undefined) return undefined;
  const next = new URL(target, url);
  if (next.origin === url.origin) return next;
  throw strange(url, `a next page on another server, ${next.origin}`);
}

function strange(url: URL, what: string): AppError {
  return new AppError("provider-permanent", `${url.origin} answered ${url.pathname} with ${what}`, {
    hint: "check HF_ENDPOINT: is it a Hugging Face hub?",
    data: { url: url.href },
  });
}

/**
 * @file What a job has made so far, out of its bucket: `manifest.json` names files by SHA-256, each content lies under its hash
 * (`python/hf_job.py` writes both). A content that was replaced meanwhile is gone, so the manifest is then read again.
 */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { AppError } from "../../core/errors.ts";
import { downloadFile, isWhole } from "../datasets/hub/download-file.ts";
import { getJson } from "../datasets/hub/hub-files.ts";
import { HubHttp, type HubPorts } from "../datasets/hub/hub-http.ts";
import { checkedJobPath } from "./job-checks.ts";

const Manifest = z.object({
  schemaVersion: z.literal(1),
  files: z.record(z.string(), z.object({ size: z.int().min(0), sha256: z.string().regex(/^[0-9a-f]{64}$/) })),
});
type Entry = z.infer<typeof Manifest>["files"][string];

/** A student of 32 billion parameters in one file, in f32, and room. */
const MAX_FILE_BYTES = 200 * 1024 ** 3;
/** So often a file may be replaced while it is fetched. */
const MAX_LOOKS = 4;

/** A job's folder in a bucket. */
export interface JobOutput {
  /** `owner/name` of the bucket. */
  readonly bucket: string;
  readonly name: string;
}

/**
 * Copies a file or folder of a job's GRAPPA_OUT as it was last pushed; whole files that are there already are kept.
 *
 * @returns false where there is none
 * @throws AppError "usage" for a path that leads elsewhere; "file-corrupt", "limit-exceeded" (200 GiB a file), "network", "provider"
 */
export async function fetchOutput(
  output: JobOutput,
  { path, to }: { readonly path: string; readonly to: string },
  ports: HubPorts,
): Promise<boolean> {
  const wanted = checkedJobPath(path).join("/");
  const http = new HubHttp(ports);
  try {
    for (let looks = 1; ; looks++) {
      const found = entriesBelow(await readManifest(http, output), wanted);
      if (found.length === 0) return false;
      try {
        await bringAll(http, output, { found, to });
        return true;
      } catch (error) {
        if (!isGone(error) || looks >= MAX_LOOKS) throw error;
      }
    }
  } finally {
    await http.close();
  }
}

const isGone = (error: unknown): boolean => error instanceof AppError && error.code === "file-missing";

/** Nothing was pushed yet where there is none. */
async function readManifest(http: HubHttp, output: JobOutput): Promise<Readonly<Record<string, Entry>>> {
  const url = urlOf(http, output, "manifest.json");
  try {
    const parsed = Manifest.safeParse((await getJson(http, { url, repo: output.bucket })).value);
    if (parsed.success) return parsed.data.files;
  } catch (error) {
    if (isGone(error)) return {};
    throw error;
  }
  throw new AppError("provider-permanent", `${url.href} is no manifest of a job's outputs`, {
    hint: "another version of grappa may have written it: remove the job's folder from the bucket",
  });
}

function urlOf(http: HubHttp, { bucket, name }: JobOutput, file: string): URL {
  return http.url(["buckets", ...bucket.split("/"), "resolve", name, ...file.split("/")]);
}

interface Found {
  /** Below what was asked for; undefined: it is the file itself. */
  readonly rest: string | undefined;
  readonly entry: Entry;
}

function entriesBelow(files: Readonly<Record<string, Entry>>, wanted: string): readonly Found[] {
  return Object.entries(files).flatMap(([path, entry]): Found[] => {
    if (path === wanted) return [{ rest: undefined, entry }];
    if (!path.startsWith(`${wanted}/`)) return [];
    return [{ rest: checkedJobPath(path.slice(wanted.length + 1)).join("/"), entry }];
  });
}

async function bringAll(
  http: HubHttp,
  output: JobOutput,
  { found, to }: { readonly found: readonly Found[]; readonly to: string },
): Promise<void> {
  const repo = output.bucket;
  for (const { rest, entry } of found) {
    const path = rest === undefined ? to : join(to, rest);
    const file = { path: rest ?? to, size: entry.size, oid: "0".repeat(40), lfs: { oid: entry.sha256 } };
    if (await isWhole(path, file)) continue;
    await rm(path, { recursive: true, force: true });
    const url = urlOf(http, output, `objects/${entry.sha256}`);
    await downloadFile(http, { repo, commit: entry.sha256, file, path, url, maxBytes: MAX_FILE_BYTES });
  }
}

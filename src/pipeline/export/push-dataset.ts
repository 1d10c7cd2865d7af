/** @file `grappa push`: a run's data set, exported into the run's folder, then sent to the hub. */
import { type FileSystem, joinPath } from "../../adapters/file-system.ts";
import { DEFAULT_HUB } from "../../adapters/datasets/hub/hub-http.ts";
import { fileOnDisk } from "../../adapters/datasets/hub/pushed-file.ts";
import { type PushOutcome, pushFiles } from "../../adapters/datasets/hub/push-files.ts";
import { systemWaiting } from "../../adapters/teacher/retry-delay.ts";
import { AppError } from "../../core/errors.ts";
import type { HubAccess } from "../open-data.ts";
import { type ExportOutcome, exportDataset } from "./export-dataset.ts";

/** What to push, and where to. */
export interface PushDatasetRequest {
  readonly runFolder: string;
  /** `owner/name`. */
  readonly repo: string;
  readonly isPublic: boolean;
  /** Whether it is sent; otherwise nobody is asked anything. */
  readonly isSent: boolean;
  readonly hub: HubAccess;
  readonly signal: AbortSignal;
}

/** What was exported, and what came of sending it; null where it was not. */
export interface PushDatasetOutcome extends ExportOutcome {
  readonly folder: string;
  readonly pushed: PushOutcome | null;
}

const REPO = /^[A-Za-z0-9][A-Za-z0-9._-]{0,95}\/[A-Za-z0-9][A-Za-z0-9._-]{0,95}$/;
/** Folder in a run's. */
const FOLDER = "dataset";

/** The name, where it is one on the hub. Throws AppError "usage". */
export function hubRepoName(repo: string, what: "data set" | "model"): string {
  if (REPO.test(repo)) return repo;
  throw new AppError("usage", `"${repo.slice(0, 200)}" names no ${what} of the hub`, { hint: "write OWNER/NAME" });
}

/**
 * Exports a run's data set and sends it, where it is to be sent.
 * @throws AppError "usage" for another name than owner/name; those of exporting and pushing.
 */
export async function pushDataset(fs: FileSystem, request: PushDatasetRequest): Promise<PushDatasetOutcome> {
  const { runFolder, isPublic, isSent, hub, signal } = request;
  const repo = hubRepoName(request.repo, "data set");
  const folder = joinPath(runFolder, FOLDER);
  const exported = await exportDataset(fs, runFolder, folder);
  if (!isSent) return { ...exported, folder, pushed: null };
  const files = exported.files.map(({ path, bytes, sha256 }) =>
    fileOnDisk(joinPath(folder, path), { path, size: bytes, sha256 }),
  );
  const message = `${exported.examples} examples of run ${exported.run}`;
  const pushed = await pushFiles(
    { repo, files, message, isPublic },
    {
      endpoint: hub.endpoint === undefined || hub.endpoint === "" ? DEFAULT_HUB : hub.endpoint,
      token: hub.token,
      waiting: systemWaiting(0),
      signal,
    },
  );
  return { ...exported, folder, pushed };
}

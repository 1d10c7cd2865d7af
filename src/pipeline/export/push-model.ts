/** @file `grappa push --model`: a run's student, exported into the run's folder, then sent to the hub. */
import { joinPath } from "../../adapters/file-system.ts";
import { DEFAULT_HUB } from "../../adapters/datasets/hub/hub-http.ts";
import { fileOnDisk } from "../../adapters/datasets/hub/pushed-file.ts";
import { type PushOutcome, pushFiles } from "../../adapters/datasets/hub/push-files.ts";
import { systemWaiting } from "../../adapters/teacher/retry-delay.ts";
import { AppError } from "../../core/errors.ts";
import type { ModelCard } from "../../report/model-card.ts";
import type { WeightType } from "../../student/export/weight-types.ts";
import type { ModelPlaces } from "../evaluation/find-model.ts";
import type { HubAccess } from "../open-data.ts";
import { exportModel, type ExportModelOutcome } from "./export-model.ts";
import { findExported } from "./find-exported.ts";
import { hubRepoName } from "./push-dataset.ts";

/** What to push, and where to. */
export interface PushModelRequest {
  readonly runFolder: string;
  /** `owner/name`. */
  readonly repo: string;
  readonly isPublic: boolean;
  /** Whether it is sent; otherwise nobody is asked anything. */
  readonly isSent: boolean;
  /** Type of a GGUF to send too; null for none. */
  readonly gguf: WeightType | null;
  readonly grappa: string;
  readonly hub: HubAccess;
  readonly signal: AbortSignal;
  /** Told of bytes written and then sent, each so far and in all. */
  readonly progress: (doing: "writing" | "sending", done: number, total: number) => void;
}

/** What was exported, what a reader should know before it is sent, and what came of sending it; null where it was not. */
export interface PushModelOutcome extends ExportModelOutcome {
  readonly folder: string;
  readonly notices: readonly string[];
  readonly pushed: PushOutcome | null;
}

/** Folder in a run's. */
const FOLDER = "model";

/**
 * Exports a run's student and sends it, where it is to be sent. Weights that were written by an earlier try are not written
 * again, and what the hub has is not sent again.
 *
 * @throws AppError "usage" for another name than owner/name, and for terms of a teacher that nobody accepted; those of
 *   exporting and pushing.
 */
export async function pushModel(request: PushModelRequest, places: ModelPlaces): Promise<PushModelOutcome> {
  const { runFolder, isSent, isPublic, gguf, grappa, signal, progress, hub } = request;
  const repo = hubRepoName(request.repo, "model");
  const folder = joinPath(runFolder, FOLDER);
  const model = await findExported(runFolder, undefined, places);
  const exported = await exportModel(
    {
      model,
      formats: gguf === null ? ["hf"] : ["hf", "gguf"],
      type: gguf,
      folder,
      grappa,
      repo,
      signal,
      progress: (done, total) => progress("writing", done, total),
    },
    places,
  );
  const notices = noticesOf(exported.card);
  if (!isSent) return { ...exported, folder, notices, pushed: null };
  refuseUnaccepted(exported.card);
  const files = exported.files.map(({ path, bytes, sha256 }) =>
    fileOnDisk(joinPath(folder, path), { path, size: bytes, sha256 }),
  );
  const pushed = await pushFiles(
    {
      repo,
      kind: "models",
      files,
      message: `The student of run ${exported.card.run?.run ?? model.name}`,
      isPublic,
      progress: (done, total) => progress("sending", done, total),
    },
    {
      endpoint: hub.endpoint === undefined || hub.endpoint === "" ? DEFAULT_HUB : hub.endpoint,
      token: hub.token,
      waiting: systemWaiting(0),
      signal,
    },
  );
  return { ...exported, folder, notices, pushed };
}

/** What whoever publishes should have read. */
function noticesOf({ base, run }: ModelCard): string[] {
  const unchecked = run?.decontamination?.notChecked.map(({ task }) => task) ?? [];
  return [
    base.licence === null
      ? `licence of the base ${base.name}: not found`
      : `licence of the base ${base.name}: ${base.licence}`,
    ...(run?.terms ?? []).map(
      ({ title, mayTrain, isAccepted }) =>
        `terms of ${title}: may a model be trained on its replies? ${mayTrain}${isAccepted ? ", accepted" : ""}`,
    ),
    ...(run?.decontamination === null ? ["contamination: not checked against any benchmark"] : []),
    ...(unchecked.length > 0 ? [`contamination: not checked against ${unchecked.join(", ")}`] : []),
    ...(run?.results === null ? ["scores: none, the run is not finished"] : []),
  ];
}

/** A student of replies whose terms do not allow it is published by nobody who has not read them. */
function refuseUnaccepted({ run }: ModelCard): void {
  const open = (run?.terms ?? []).filter(({ mayTrain, isAccepted }) => mayTrain !== "yes" && !isAccepted);
  if (open.length === 0) return;
  throw new AppError("usage", `not sent: the terms of ${open.map(({ title }) => title).join(", ")} were not accepted`, {
    hint: `read them; if your use is within them, run with ${open.map(({ provider }) => `--accept-terms ${provider}`).join(" ")}`,
    data: { providers: open.map(({ provider }) => provider) },
  });
}

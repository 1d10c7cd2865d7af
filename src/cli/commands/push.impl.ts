import { AppError } from "../../core/errors.ts";
import type { PushOutcome } from "../../adapters/datasets/hub/push-files.ts";
import { pushDataset } from "../../pipeline/export/push-dataset.ts";
import { pushModel } from "../../pipeline/export/push-model.ts";
import { counted } from "../../report/number-format.ts";
import type { WeightType } from "../../student/export/weight-types.ts";
import { byteProgress } from "../byte-progress.ts";
import { type CommandResult, type CommonFlags, presenting } from "../command-result.ts";
import type { CliContext } from "../context.ts";
import { findRun } from "../find-run.ts";
import { hubAccess } from "../hub-access.ts";
import { shownPath } from "../shown-path.ts";
import { untilInterrupted } from "../until-interrupted.ts";

interface PushFlags extends CommonFlags {
  readonly repo?: string;
  readonly model?: string;
  readonly gguf: boolean;
  readonly type?: WeightType;
  readonly public: boolean;
  readonly yes: boolean;
}

/** Sends a run's data set, or its student, to the hub. */
export default presenting<PushFlags, [string]>(async (context, flags, run) => {
  const { repo, model, gguf, type } = flags;
  if ((repo === undefined) === (model === undefined))
    throw new AppError(
      "usage",
      "say one of --repo OWNER/NAME, for the data set, and --model OWNER/NAME, for the student",
    );
  if (type !== undefined && !gguf) throw new AppError("usage", "--type is the GGUF's: add --gguf");
  if (gguf && model === undefined) throw new AppError("usage", "--gguf goes with --model");
  const hint = "the same command goes on: what is there is not sent again";
  return await untilInterrupted(context, hint, async (signal) => {
    const runFolder = await findRun(context, run);
    return repo === undefined
      ? await sendModel(context, { ...flags, repo: model ?? "", runFolder, signal })
      : await sendDataset(context, { ...flags, repo, runFolder, signal });
  });
});

interface Sending extends PushFlags {
  readonly repo: string;
  readonly runFolder: string;
  readonly signal: AbortSignal;
}

async function sendDataset(context: CliContext, sending: Sending): Promise<CommandResult> {
  const { repo, runFolder, public: isPublic, yes, signal } = sending;
  const request = { runFolder, repo, isPublic, isSent: yes, hub: hubAccess(context), signal };
  const { folder, pushed, ...exported } = await pushDataset(context.fs, request);
  const place = shownPath(context, folder);
  const what = counted(exported.examples, "example");
  const told =
    pushed === null ? wouldSend(sending, { what, files: exported.files, place }) : wasSent(repo, what, pushed);
  return { json: { ...exported, repo, folder: place, pushed }, text: told.join("\n") };
}

async function sendModel(context: CliContext, sending: Sending): Promise<CommandResult> {
  const { repo, runFolder, public: isPublic, yes, signal, gguf, type } = sending;
  const shown = { writing: byteProgress(context, "writing"), sending: byteProgress(context, `sending to ${repo}`) };
  const { folder, pushed, card, ...exported } = await pushModel(
    {
      runFolder,
      repo,
      isPublic,
      isSent: yes,
      signal,
      hub: hubAccess(context),
      grappa: context.version,
      gguf: gguf ? (type ?? "q8_0") : null,
      progress: (doing, done, total) => shown[doing].report(done, total),
    },
    context.recipes,
  ).finally(() => {
    shown.writing.end();
    shown.sending.end();
  });
  const place = shownPath(context, folder);
  const what = `the student of ${exported.name}`;
  const told =
    pushed === null
      ? wouldSend(sending, { what, files: exported.files, place, notices: exported.notices })
      : wasSent(repo, what, pushed);
  return { json: { ...exported, repo, folder: place, licence: card.base.licence, pushed }, text: told.join("\n") };
}

interface Shown {
  readonly what: string;
  readonly files: readonly { readonly path: string; readonly bytes: number }[];
  readonly place: string;
  readonly notices?: readonly string[];
}

function wouldSend({ repo, public: isPublic }: Sending, { what, files, place, notices = [] }: Shown): string[] {
  return [
    `would send ${what} to ${repo}, ${isPublic ? "public" : "private"} if it is made now:`,
    ...files.map(({ path, bytes }) => `  ${path}, ${counted(bytes, "byte")}`),
    ...notices,
    `nothing was sent. Read ${place}/README.md: licences and terms are yours to judge. Then the same with --yes`,
  ];
}

function wasSent(repo: string, what: string, { commit, sent, unchanged }: PushOutcome): string[] {
  return [
    `${repo} holds ${what} at commit ${commit}`,
    `  sent: ${sent.join(", ") || "nothing"}; there already: ${unchanged.join(", ") || "nothing"}`,
  ];
}

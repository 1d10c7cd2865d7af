import { pushDataset } from "../../pipeline/export/push-dataset.ts";
import { counted } from "../../report/number-format.ts";
import { type CommonFlags, presenting } from "../command-result.ts";
import { findRun } from "../find-run.ts";
import { hubAccess } from "../hub-access.ts";
import { shownPath } from "../shown-path.ts";
import { untilInterrupted } from "../until-interrupted.ts";

interface PushFlags extends CommonFlags {
  readonly repo: string;
  readonly public: boolean;
  readonly yes: boolean;
}

/** Sends a run's data set to the hub. */
export default presenting<PushFlags, [string]>((context, { repo, public: isPublic, yes }, run) =>
  untilInterrupted(context, "the same command goes on: what is there is not sent again", async (signal) => {
    const runFolder = await findRun(context, run);
    const request = { runFolder, repo, isPublic, isSent: yes, hub: hubAccess(context), signal };
    const { folder, pushed, ...exported } = await pushDataset(context.fs, request);
    const files = exported.files.map(({ path, bytes }) => `  ${path}, ${counted(bytes, "byte")}`);
    const place = shownPath(context, folder);
    const told =
      pushed === null
        ? [
            `would send ${counted(exported.examples, "example")} to ${repo}, ${isPublic ? "public" : "private"} if it is made now:`,
            ...files,
            `nothing was sent. Read ${place}/README.md: licences and terms are yours to judge. Then the same with --yes`,
          ]
        : [
            `${repo} holds ${counted(exported.examples, "example")} at commit ${pushed.commit}`,
            `  sent: ${pushed.sent.join(", ") || "nothing"}; there already: ${pushed.unchanged.join(", ") || "nothing"}`,
          ];
    return { json: { ...exported, repo, folder: place, pushed }, text: told.join("\n") };
  }),
);

import { randomBytes } from "node:crypto";
import { join, resolve } from "node:path";
import { AppError } from "../../core/errors.ts";
import { findStudent } from "../../pipeline/find-student.ts";
import { PageReader } from "../../pipeline/page/page-reader.ts";
import type { StudentChatsOptions } from "../../server/page/student-chats.ts";
import { type CommonFlags, presenting } from "../command-result.ts";
import type { CliContext } from "../context.ts";
import { printable } from "../printable.ts";
import { runControl } from "../run-control.ts";
import { shownPath } from "../shown-path.ts";

interface UiFlags extends CommonFlags {
  readonly port: number;
}

const HOST = "127.0.0.1";
const TOKEN_BYTES = 24;
/** Answers under way may take so long after Ctrl-C; they take milliseconds. */
const GRACE_MS = 2000;
/** Far above the silence of a live view, which says something every 15 s; and a student that nobody asks is closed, its memory given back. */
const IDLE_MS = 120_000;

/** Serves the page until it is stopped. */
export default presenting<UiFlags, [string]>(async (context, flags, place) => {
  const folder = resolve(context.recipes.workingFolder, place);
  if ((await context.fs.kind(folder)) !== "folder")
    throw new AppError("file-missing", `${folder}: no such folder`, {
      hint: "name a folder of runs; `grappa demo` makes a run in runs/",
    });
  const { fs, processes, clock, settings, recipes } = context;
  const bases = { packageFolder: recipes.packageFolder, cacheFolder: settings.cacheFolder };
  const reader = new PageReader({ fs, processes, clock, bases, control: runControl(recipes.packageFolder) }, folder);
  const { readPageFiles } = await import("../../server/page/page-files.ts");
  const { pageApp } = await import("../../server/page/page-app.ts");
  const { StudentChats } = await import("../../server/page/student-chats.ts");
  const { listen } = await import("../../server/listen.ts");
  const token = randomBytes(TOKEN_BYTES).toString("base64url");
  const onFailure = (error: unknown): void =>
    context.process.stderr.write(`error: ${printable(String(error).slice(0, 1000))}\n`);
  const chats = new StudentChats({ ...studentsOf(context, reader), idleMs: IDLE_MS, onFailure });
  let port = 0;
  const app = pageApp({
    reader,
    chats,
    files: await readPageFiles(join(context.recipes.packageFolder, "dist", "ui")),
    token,
    port: () => port,
    onFailure,
  });
  const listening = await listen(app, { host: HOST, port: flags.port, idleMs: IDLE_MS });
  port = Number(new URL(listening.url).port);
  // Before anybody is told that it is there: who reads that may stop it at once.
  const stopped = new Promise<void>((stop) => context.onInterrupt(stop));
  announce(context, flags, { folder, url: listening.url, token });
  await stopped;
  await listening.close(GRACE_MS);
  await chats.close();
  return undefined; // all was said when it began
});

function studentsOf(
  { fs, services, settings }: CliContext,
  { runs }: PageReader,
): Pick<StudentChatsOptions, "find" | "open"> {
  return {
    find: async (run) => await findStudent(fs, await runs.folderOf(run)),
    open: async (run, folder) => {
      const runFolder = await runs.folderOf(run);
      return await services.openChat({ fs, folder, name: `${run}'s student`, runFolder, threads: settings.threads });
    },
  };
}

/** The token stands behind the `#`: browsers send it to nobody, the page takes it from there and wipes it away. */
function announce(
  context: CliContext,
  { json }: UiFlags,
  { folder, url, token }: { readonly folder: string; readonly url: string; readonly token: string },
): void {
  const address = `${url}/#token=${token}`;
  if (json) context.process.stdout.write(`${JSON.stringify({ address, url, folder })}\n`);
  else
    context.process.stderr.write(
      `the runs in ${printable(shownPath(context, folder))}, for whoever has this address:\n\n  ${address}\n\nCtrl-C ends it\n`,
    );
}

import { type Application, buildApplication, buildRouteMap, text_en } from "@stricli/core";
import { chatCommand } from "./commands/chat.ts";
import { compareCommand } from "./commands/compare.ts";
import { curateCommand } from "./commands/curate.ts";
import { demoCommand } from "./commands/demo.ts";
import { evaluateCommand } from "./commands/evaluate.ts";
import { exportCommand } from "./commands/export.ts";
import { gradeCommand } from "./commands/grade.ts";
import { importCommand } from "./commands/import.ts";
import { initCommand } from "./commands/init.ts";
import { ledgerCommand } from "./commands/ledger.ts";
import { planCommand } from "./commands/plan.ts";
import { pushCommand } from "./commands/push.ts";
import { questionsCommand } from "./commands/questions.ts";
import { reportCommand } from "./commands/report.ts";
import { rescoreCommand } from "./commands/rescore.ts";
import { runCommand } from "./commands/run.ts";
import { schemaCommand } from "./commands/schema.ts";
import { serveCommand } from "./commands/serve.ts";
import { showCommand } from "./commands/show.ts";
import { splitCommand } from "./commands/split.ts";
import { statusCommand } from "./commands/status.ts";
import { tasksCommand } from "./commands/tasks.ts";
import { traceCommand } from "./commands/trace.ts";
import { uiCommand } from "./commands/ui.ts";
import { verifyCommand } from "./commands/verify.ts";
import { xrayCommand } from "./commands/xray.ts";
import type { CliContext } from "./context.ts";
import { describeError } from "./error-text.ts";
import { exitCodeOf } from "./exit-code.ts";

/** The command line as a value; its functions are loaded when they are called. */
export function buildApp(version: string): Application<CliContext> {
  const root = buildRouteMap({
    routes: {
      demo: demoCommand,
      init: initCommand,
      plan: planCommand,
      run: runCommand,
      curate: curateCommand,
      show: showCommand,
      verify: verifyCommand,
      trace: traceCommand,
      status: statusCommand,
      ledger: ledgerCommand,
      report: reportCommand,
      ui: uiCommand,
      xray: xrayCommand,
      chat: chatCommand,
      serve: serveCommand,
      evaluate: evaluateCommand,
      rescore: rescoreCommand,
      compare: compareCommand,
      questions: questionsCommand,
      tasks: tasksCommand,
      split: splitCommand,
      export: exportCommand,
      push: pushCommand,
      import: importCommand,
      grade: gradeCommand,
      schema: schemaCommand,
    },
    docs: {
      brief: "distil a large model's reasoning into a small one that you own",
      fullDescription:
        "Distil a large model's reasoning into a small one that you own, for a price you set beforehand.\nStart with `grappa demo`: it needs no key, no GPU and no network.",
    },
  });
  return buildApplication(root, {
    name: "grappa",
    versionInfo: { currentVersion: version },
    scanner: { caseStyle: "allow-kebab-for-camel", allowArgumentEscapeSequence: true },
    documentation: { caseStyle: "convert-camel-to-kebab", useAliasInUsageLine: false, onlyRequiredInUsageLine: true },
    determineExitCode: exitCodeOf,
    localization: {
      text: {
        ...text_en,
        commandErrorResult: describeError,
        exceptionWhileRunningCommand: describeError,
        exceptionWhileParsingArguments: (error) =>
          `error: ${text_en.exceptionWhileParsingArguments.call({ formatException: briefly }, error, false)}\nhint: with --help the command says what it takes`,
        noCommandRegisteredForInput: (input) =>
          `error: ${text_en.noCommandRegisteredForInput(input)}\nhint: grappa --help lists the commands`,
      },
    },
  });
}

/** A flag's parser failed: its message is enough, a stack says nothing to whoever typed it. */
function briefly(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

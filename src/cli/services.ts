import type { CliServices } from "../pipeline/services.ts";

export type { CliServices };

/** The real wiring, loaded when it is first needed: `--help` reads no engine. */
export const nodeServices: CliServices = {
  openRun: async (options) => (await import("../pipeline/open-services.ts")).openServices(options),
  renderReport: async (options) => (await import("../pipeline/render-report.ts")).renderReport(options),
  openChat: async (options) => (await import("../server/open-chat.ts")).openChat(options),
  loadTask: async (options) => (await import("../pipeline/load-task.ts")).loadTask(options),
  openModel: async (options) => (await import("../pipeline/evaluation/open-model.ts")).openModel(options),
  openSandbox: async (options) => (await import("../pipeline/evaluation/open-sandbox.ts")).openSandbox(options),
};

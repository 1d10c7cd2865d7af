import { AppError } from "../../core/errors.ts";
import type { CodeRunner } from "../../grade/code/code-runner.ts";
import type { OpenSandboxOptions } from "../services.ts";

/** The best sandbox that works here. */
export function openSandbox(_options: OpenSandboxOptions): Promise<CodeRunner> {
  return Promise.reject(new AppError("usage", "no sandbox yet"));
}

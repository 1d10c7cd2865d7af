import { openCodeRunner } from "../../adapters/sandbox/open-code-runner.ts";
import type { CodeRunner } from "../../grade/code/code-runner.ts";
import type { OpenSandboxOptions } from "../services.ts";

/** The best sandbox that works here. Throws "sandbox" where none that is allowed does. */
export async function openSandbox(options: OpenSandboxOptions): Promise<CodeRunner> {
  const { allowPartial, unsafeLocal, signal } = options;
  return await openCodeRunner({ allowPartialSandbox: allowPartial, unsafeLocal }, signal);
}

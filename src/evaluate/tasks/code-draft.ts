/** @file A question whose reply is a program: its tests run in the sandbox, whatever the reply. */
import { DEFAULT_CODE_LIMITS } from "../../grade/code/code-limits.ts";
import type { CodeSpec } from "../../grade/code/code-spec.ts";
import { verifyCode } from "../../grade/code/verify-code.ts";
import type { Verdict } from "../../schema/evaluation.ts";
import type { QuestionDraft } from "./task-definition.ts";
import type { VerifierPorts } from "./task.ts";

/** What {@link codeDraft} needs. */
export interface CodeDraftParts extends Pick<QuestionDraft, "identity" | "prompt" | "metadata"> {
  /** The tests; called for each reply, so that large ones need not stay in memory. */
  spec(): CodeSpec;
}

/** A question that only tests can grade. */
export function codeDraft({ identity, prompt, metadata, spec }: CodeDraftParts): QuestionDraft {
  return {
    identity,
    prompt,
    metadata,
    gold: null,
    verify: (reply, ports, signal) => verifyWith(spec(), { reply, ports, signal }),
  };
}

/** Runs the tests; `unscored` where there is no sandbox to run them in. */
async function verifyWith(
  spec: CodeSpec,
  { reply, ports, signal }: { reply: string; ports: VerifierPorts; signal: AbortSignal },
): Promise<Verdict> {
  const { codeRunner: runner, drawNonce } = ports;
  if (runner === undefined || drawNonce === undefined) return unscored("no sandbox to run code in");
  return await verifyCode({ spec, reply, runner, limits: DEFAULT_CODE_LIMITS, nonce: drawNonce() }, signal);
}

/** A verdict that says nothing of the model. */
export function unscored(explanation: string): Verdict {
  return { outcome: "unscored", extracted: null, canonical: null, rule: "none", explanation, flexible: null };
}

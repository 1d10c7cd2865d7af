import { count, counted, percent } from "../../report/number-format.ts";
import { visibleText } from "../../report/plain-text.ts";
import { useApi } from "../api/use-api.ts";
import { Fault, Waiting } from "../parts/fault.tsx";

const ROLES = ["prompt", "delimiter", "thinking", "answer", "end"] as const;

/** The training example of a trace: token by token, what is dotted has no loss. */
export function TraceXray({ run, id }: { readonly run: string; readonly id: string }) {
  const { value, fault } = useApi("/runs/:run/xray", run, { query: { id } });
  if (value === null) return fault === null ? <Waiting /> : <Fault fault={fault} />;
  const { tokens, trained, left, isTokenizerChanged, runs } = value;
  return (
    <>
      <p class="quiet small">
        {counted(tokens, "token")}, {count(trained)} of them trained ({percent(trained / Math.max(1, tokens))})
        {isTokenizerChanged && "; the base's tokenizer has changed since, and the texts may be others"}
      </p>
      <p class="xray-legend small">
        {ROLES.map((role) => (
          <span key={role} class={`xray-run ${role}`}>
            {role}
          </span>
        ))}
        <span class="xray-run untrained">dotted: no loss</span>
      </p>
      <div class="xray model-text">
        {runs.map(({ role, isTrained, tokens: texts }, at) => (
          <span key={at} class={`xray-run ${role}${isTrained ? "" : " untrained"}`}>
            {texts.map((text, place) => (
              <span key={place} class="token">
                {visibleText(text).replaceAll("\n", "⏎\n")}
              </span>
            ))}
          </span>
        ))}
      </div>
      {left > 0 && <p class="quiet small">… {counted(left, "token")} more are not shown</p>}
    </>
  );
}

import { useEffect, useState } from "preact/hooks";
import type { PageFault } from "../../report/page/page-api.ts";
import type { RunRow } from "../../report/page/run-list.ts";
import { visibleText } from "../../report/plain-text.ts";
import { postJson } from "../api/client.ts";
import { faultOf } from "../api/use-api.ts";
import type { KeyBinding } from "../keys/key-sequence.ts";
import { Fault } from "./fault.tsx";

/** A run says within this time that it was paused or resumed; then the button may be pressed again, milliseconds. */
const SETTLE_MS = 6000;
const LABELS = { pause: "Pause", resume: "Resume" } as const;
const PRESSED = { pause: "pausing …", resume: "starting …" } as const;

/** Pauses a run or goes on with it; says why it cannot, and what to type instead. */
export function RunSwitch({ run, isWhole = false }: { readonly run: RunRow; readonly isWhole?: boolean }) {
  const { can, note, command } = run.control;
  const [isPressed, setPressed] = useState(false);
  const [fault, setFault] = useState<PageFault | null>(null);
  useEffect(() => {
    if (!isPressed) return;
    const timer = setTimeout(() => setPressed(false), SETTLE_MS);
    return () => clearTimeout(timer);
  }, [isPressed]);
  useEffect(() => setPressed(false), [can, note]);
  const press = async (action: "pause" | "resume"): Promise<void> => {
    setPressed(true);
    setFault(null);
    try {
      await postJson(`/runs/:run/${action}`, run.name, {});
    } catch (error) {
      setFault(faultOf(error));
      setPressed(false);
    }
  };
  if (can === null && note === null) return <Fault fault={fault} />;
  return (
    <div class="switch">
      {can !== null && (
        <button
          type="button"
          data-switch
          disabled={isPressed}
          title={`${can} this run (p)`}
          aria-label={`${LABELS[can]} ${visibleText(run.name)}`}
          onClick={() => void press(can)}
        >
          {isPressed ? PRESSED[can] : LABELS[can]}
        </button>
      )}
      {note !== null && (
        <span class="quiet small" role="status">
          {visibleText(note)}
        </span>
      )}
      {isWhole && command !== null && (
        <pre class="command" tabIndex={0}>
          {visibleText(command)}
        </pre>
      )}
      <Fault fault={fault} />
    </div>
  );
}

/** The key that presses the switch inside of what it is given; nothing where that has none. */
export function switchKey(what: string, around: () => Element | null | undefined): KeyBinding {
  return { keys: "p", what, run: () => around()?.querySelector<HTMLButtonElement>("[data-switch]")?.click() };
}

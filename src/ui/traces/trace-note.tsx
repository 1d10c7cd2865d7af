import { useEffect, useRef, useState } from "preact/hooks";
import { count } from "../../report/number-format.ts";
import { MOST_NOTE_CHARACTERS } from "../../schema/triage-limits.ts";

const SAVE_AFTER_MS = 500;

/** A note: written down while it is typed, and when it is left. */
export function TraceNote({
  note,
  onSave,
  onLeave,
}: {
  readonly note: string;
  readonly onSave: (note: string) => Promise<boolean>;
  /** Escape was pressed. */
  readonly onLeave: () => void;
}) {
  const [text, setText] = useState(note);
  const [saved, setSaved] = useState(note);
  const latest = useRef({ text, saved, onSave });
  latest.current = { text, saved, onSave };
  const save = async (): Promise<void> => {
    const { text: now, saved: before } = latest.current;
    if (now !== before && (await onSave(now))) setSaved(now);
  };
  useEffect(() => {
    const timer = setTimeout(() => void save(), SAVE_AFTER_MS);
    return () => clearTimeout(timer);
  }, [text]);
  // What was typed last is written also when another trace is opened in the same moment.
  useEffect(
    () => () => {
      const { text: now, saved: before, onSave: write } = latest.current;
      if (now !== before) void write(now);
    },
    [],
  );
  return (
    <div class="note">
      <label for="trace-note">Note</label>
      <textarea
        id="trace-note"
        rows={2}
        maxLength={MOST_NOTE_CHARACTERS}
        value={text}
        onInput={(event) => setText(event.currentTarget.value)}
        onBlur={() => void save()}
        onKeyDown={(event) => {
          if (event.key === "Escape") onLeave();
        }}
      />
      <span class="quiet small" role="status">
        {text !== saved ? "not written yet" : text === "" ? "" : `written, ${count(text.length)} characters`}
      </span>
    </div>
  );
}

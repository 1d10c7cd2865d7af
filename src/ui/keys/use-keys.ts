/** @file Keys of the whole page: views add theirs while they are shown. */
import { useEffect, useRef } from "preact/hooks";
import { type KeyBinding, KeySequence } from "./key-sequence.ts";

/** Bindings under a heading, as the list of keys shows them. */
export interface KeyGroup {
  readonly title: string;
  readonly bindings: readonly KeyBinding[];
}

const groups = new Set<{ current: KeyGroup }>();
const sequence = new KeySequence();

/** The bindings that hold now, of the shown views last. */
export function presentKeys(): readonly KeyGroup[] {
  return [...groups].map(({ current }) => current);
}

/** Lets these keys work while the component is shown. */
export function useKeys(title: string, bindings: readonly KeyBinding[]): void {
  const group = useRef<KeyGroup>({ title, bindings });
  group.current = { title, bindings };
  useEffect(() => {
    groups.add(group);
    return () => void groups.delete(group);
  }, []);
}

/** Hears every key of the page; call it once, in the shell. */
export function useKeyListener(): void {
  useEffect(() => {
    const hear = (event: KeyboardEvent): void => {
      if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
      // A dialog has the keyboard for itself.
      if (document.querySelector("dialog[open]") !== null) return;
      const bindings = presentKeys().flatMap((group) => group.bindings);
      const found = sequence.press(event.key, performance.now(), bindings.toReversed());
      if (found === undefined) return;
      event.preventDefault();
      found.run();
    };
    addEventListener("keydown", hear);
    return () => removeEventListener("keydown", hear);
  }, []);
}

function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target instanceof HTMLInputElement) return !["checkbox", "radio", "button", "range"].includes(target.type);
  return target.isContentEditable || target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement;
}

/** Puts the focus on the next or the previous of what lists mark with `data-row`. */
export function moveRow(by: 1 | -1): void {
  const rows = [...document.querySelectorAll<HTMLElement>("[data-row]")];
  const at = rows.findIndex((row) => row === document.activeElement);
  const next = at === -1 ? (by === 1 ? 0 : rows.length - 1) : Math.min(rows.length - 1, Math.max(0, at + by));
  rows[next]?.focus();
  rows[next]?.scrollIntoView({ block: "nearest" });
}

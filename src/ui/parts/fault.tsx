import type { PageFault } from "../../report/page/page-api.ts";
import { visibleText } from "../../report/plain-text.ts";

/** What went wrong, and what to do about it. */
export function Fault({ fault }: { readonly fault: PageFault | null }) {
  if (fault === null) return null;
  return (
    <p class="fault" role="alert">
      {visibleText(fault.message)}
      {fault.hint !== null && <span class="hint">{visibleText(fault.hint)}</span>}
    </p>
  );
}

/** Stands where a value is not there yet. */
export function Waiting() {
  return (
    <p class="quiet" role="status">
      reading …
    </p>
  );
}

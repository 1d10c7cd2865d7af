import { visibleText } from "../../report/plain-text.ts";

/** The heading of a view of one run, with the run's name. */
export function RunHeading({ run, title }: { readonly run: string; readonly title: string }) {
  return (
    <h1>
      {title} <span class="of-run">{visibleText(run)}</span>
    </h1>
  );
}

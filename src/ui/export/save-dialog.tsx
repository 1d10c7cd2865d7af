/** @file Saves what is shown: the view as an HTML file, each chart as an SVG file. */
import { useEffect, useRef, useState } from "preact/hooks";
import { visibleText } from "../../report/plain-text.ts";
import { readTheme } from "../theme.ts";
import { readPlainRules, readSaved, readStyle } from "./read-saved.ts";
import { savedChart } from "./saved-chart.ts";
import { savedName, savedPage } from "./saved-page.ts";

interface SaveDialogProps {
  readonly isOpen: boolean;
  readonly onClose: () => void;
  /** Names of what is shown: the run's, where there is one, and the view's. */
  readonly names: readonly string[];
}

/** Offers what can be saved now. */
export function SaveDialog({ isOpen, onClose, names }: SaveDialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [charts, setCharts] = useState<readonly SVGElement[]>([]);
  useEffect(() => {
    if (isOpen) {
      setCharts([...document.querySelectorAll<SVGElement>("main .chart-wide > svg.chart")]);
      if (dialog.current?.open === false) dialog.current.showModal();
    } else dialog.current?.close();
  }, [isOpen]);
  return (
    <dialog ref={dialog} class="keys save" aria-labelledby="save-title" onClose={onClose}>
      <h2 id="save-title">Save this view</h2>
      <p class="quiet small">A file that stands alone: no script, nothing that it asks of anybody.</p>
      <ul>
        <li>
          <button type="button" onClick={() => (saveView(names), onClose())}>
            this view, HTML
          </button>
        </li>
        {isOpen &&
          charts.map((chart, at) => (
            <li key={at}>
              <button type="button" onClick={() => (saveChart(chart, names), onClose())}>
                {visibleText(titleOf(chart))}, SVG
              </button>
            </li>
          ))}
      </ul>
      <button type="button" onClick={onClose}>
        Close
      </button>
    </dialog>
  );
}

const titleOf = (chart: SVGElement): string => chart.querySelector("title")?.textContent ?? "chart";

function saveChart(chart: SVGElement, names: readonly string[]): void {
  const text = savedChart(readSaved(chart), readPlainRules());
  download(savedName([...names, titleOf(chart)], "svg"), new Blob([text], { type: "image/svg+xml" }));
}

function saveView(names: readonly string[]): void {
  const main = document.querySelector("main");
  if (main === null) return;
  const text = savedPage({
    title: [...names, "Grappa"].join(" · "),
    savedAt: new Date().toLocaleString(),
    theme: readTheme(),
    style: readStyle(),
    content: readSaved(main),
  });
  download(savedName(names, "html"), new Blob([text], { type: "text/html" }));
}

/** After so long the browser has the file, milliseconds. */
const FORGET_AFTER_MS = 60_000;

function download(name: string, file: Blob): void {
  const address = URL.createObjectURL(file);
  const link = Object.assign(document.createElement("a"), { href: address, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), FORGET_AFTER_MS);
}

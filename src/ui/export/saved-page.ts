/** @file A view as one HTML file: its style inside, no script, no address that anything could be asked of. Pure. */
import { escapeMarkup } from "../../report/markup.ts";
import { type SavedElement, savedMarkup } from "./saved-markup.ts";

/** What is saved. */
export interface SavedView {
  readonly title: string;
  /** Day and time, as the reader writes them. */
  readonly savedAt: string;
  /** The reader's choice of colours; `system` follows that of whoever opens the file. */
  readonly theme: string;
  /** Rules of the page's style sheets. */
  readonly style: string;
  readonly content: SavedElement;
}

/** Nothing but its own style may be loaded or run, whatever the file holds. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'";

/** What the page's rules do not know: fields as text, and lists of which only a part is there. */
const OWN_STYLE = `.saved-field{white-space:pre-wrap;overflow-wrap:anywhere;border:1px solid var(--line);border-radius:var(--radius);padding:.3rem .6rem}
div.saved-field{font:.9rem/1.5 var(--font-code)}
.virtual-list{position:static;height:auto;min-height:0;contain:none}
.saved-note{max-width:var(--width-page);margin:0 auto;padding:0 var(--space-4) var(--space-5);color:var(--muted);font-size:var(--size-small)}`;

/** A document that stands alone. */
export function savedPage({ title, savedAt, theme, style, content }: SavedView): string {
  const isChosen = theme === "light" || theme === "dark";
  return `<!doctype html>
<html lang="en"${isChosen ? ` data-theme="${theme}"` : ""}>
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeMarkup(title)}</title>
<style>${styleText(style)}
${OWN_STYLE}</style>
</head>
<body>
${savedMarkup(content)}
<footer class="saved-note">${escapeMarkup(`${title}, saved ${savedAt} by grappa ui. Long lists hold what was in sight.`)}</footer>
</body>
</html>
`;
}

/** Rules that cannot end their element, and load nothing. */
function styleText(style: string): string {
  return style.replaceAll("<", "\\3c ").replaceAll(/@import[^;]*;/g, "");
}

/** A file's name out of the parts of a title: letters, digits, dots and dashes. */
export function savedName(parts: readonly string[], ending: "html" | "svg"): string {
  const safe = parts.map((part) =>
    part
      .replaceAll(/[^\w.-]+/g, "-")
      .replaceAll(/^[-.]+|[-.]+$/g, "")
      .slice(0, 60),
  );
  return `${["grappa", ...safe].filter((part) => part !== "").join("-")}.${ending}`;
}

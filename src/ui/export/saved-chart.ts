/** @file A chart as one SVG file, in its colours on light paper, whatever surrounds it. Pure. */
import { type SavedElement, type SavedNode, savedMarkup } from "./saved-markup.ts";

/** A rule of a style sheet, outside of any condition. */
export interface StyleRule {
  readonly selector: string;
  /** Its declarations. */
  readonly body: string;
}

/** Room around a chart, pixels. */
const MARGIN = 16;

/** The chart with the rules that it needs, its colours resolved. */
export function savedChart(chart: SavedElement, rules: readonly StyleRule[]): string {
  const [left = 0, top = 0, width = 0, height = 0] = (chart.attributes["viewBox"] ?? "").split(" ").map(Number);
  const colours = lightColours(rules);
  const box = [left - MARGIN, top - MARGIN, width + 2 * MARGIN, height + 2 * MARGIN];
  const [x, y, w, h] = box.map(String) as [string, string, string, string];
  const paper = { name: "rect", attributes: { class: "paper", x, y, width: w, height: h }, children: [] };
  const size = { viewBox: box.join(" "), width: w, height: h };
  const name = ({ name: kind }: Exclude<SavedNode, string>): boolean => kind === "title" || kind === "desc";
  const isNamed = (node: SavedNode): boolean => typeof node !== "string" && name(node);
  const root: SavedElement = {
    ...chart,
    attributes: { ...chart.attributes, ...size, xmlns: "http://www.w3.org/2000/svg" },
    children: [...chart.children.filter(isNamed), paper, ...chart.children.filter((node) => !isNamed(node))],
  };
  const style = resolved(
    [
      ...rules.filter(({ selector }) => /\.chart(?![\w-])/.test(selector) && !/:(hover|focus)/.test(selector)),
      { selector: ".chart", body: `width:${w}px;height:${h}px;max-width:100%` },
      { selector: ".paper", body: "fill:var(--paper)" },
    ]
      .map(({ selector, body }) => `${selector}{${body}}`)
      .join("\n"),
    colours,
  );
  const open = /^<svg [^>]*>/;
  return `${savedMarkup(root).replace(open, (start) => `${start}<style>${escaped(style)}</style>`)}\n`;
}

/** Custom properties as they stand for light surroundings. */
export function lightColours(rules: readonly StyleRule[]): ReadonlyMap<string, string> {
  const found = rules
    .filter(({ selector }) => selector === ":root")
    .flatMap(({ body }) => [...body.matchAll(/(--[\w-]+)\s*:\s*([^;]*)/g)]);
  return new Map(found.map(([, name = "", value = ""]) => [name, value.trim()]));
}

/** Deepest chain of properties that name others. */
const MOST_DEEP = 8;

/** The style with every `var()` replaced by what it stands for; one that is not known becomes `currentColor`. */
export function resolved(style: string, values: ReadonlyMap<string, string>): string {
  let text = style;
  for (let depth = 0; depth < MOST_DEEP && text.includes("var("); depth++)
    text = text.replaceAll(/var\(\s*(--[\w-]+)\s*\)/g, (_, name: string) => values.get(name) ?? "currentColor");
  return text;
}

const escaped = (text: string): string => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

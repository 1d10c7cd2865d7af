/** @file What is kept of a page that is saved: a tree of plain elements, and its markup. Pure; what is not listed here is left out. */
import { escapeMarkup } from "../../report/markup.ts";

/** A text, or an element with what it holds. */
export type SavedNode = string | SavedElement;

/** An element; names as HTML, SVG and MathML write them. */
export interface SavedElement {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: readonly SavedNode[];
}

const words = (text: string): ReadonlySet<string> => new Set(text.trim().split(/\s+/));

const ELEMENTS = words(`
  main section article header footer div p span h1 h2 h3 h4 ul ol li dl dt dd figure figcaption blockquote pre code kbd
  strong em b i small sub sup mark del ins bdi bdo time br hr abbr output progress details summary fieldset legend label
  table caption colgroup col thead tbody tfoot tr th td
  svg g path rect circle ellipse line polyline polygon text tspan title desc defs pattern clipPath linearGradient stop
  math semantics mrow mi mo mn ms mtext mspace mfrac msqrt mroot mstyle merror mpadded mphantom msup msub msubsup munder
  mover munderover mmultiscripts mprescripts none mtable mtr mtd mlabeledtr menclose`);

const ATTRIBUTES = words(`
  id class title lang dir role tabindex hidden open datetime value max colspan rowspan scope headers start reversed data-label
  xmlns viewBox width height x y x1 x2 y1 y2 dx dy cx cy r rx ry d points transform patternUnits patternTransform
  preserveAspectRatio text-anchor fill clip-path offset stop-color
  display mathvariant stretchy fence separator accent accentunder lspace rspace minsize maxsize linethickness columnalign
  rowalign columnspacing rowspacing displaystyle scriptlevel mathcolor depth voffset notation movablelimits largeop symmetric`);

/** Roles that mean something in a page that nobody acts in. */
const ROLES = words("img group region presentation math");
const LABELS = /^aria-(label|labelledby|hidden|describedby|current)$/;
const EMPTY = words("br hr col");

function isKept(name: string, value: string): boolean {
  if (name === "role") return ROLES.has(value);
  // Only parts of the same picture are pointed at.
  if (/url\s*\(/i.test(value) && !/^url\(["']?#[\w-]+["']?\)$/.test(value)) return false;
  return ATTRIBUTES.has(name) || LABELS.test(name);
}

/** Markup of a tree, as HTML and XML alike read it; elements and attributes that are not known are left out with what they hold. */
export function savedMarkup(node: SavedNode, isFormula = false): string {
  // Formulas hold characters without a shape that mean something; everything else was made visible when it was shown.
  if (typeof node === "string") return isFormula ? escapeOnly(node) : escapeMarkup(node);
  const { name, attributes, children } = node;
  if (!ELEMENTS.has(name)) return "";
  const kept = Object.entries(attributes).filter(([key, value]) => isKept(key, value));
  const start = [name, ...kept.map(([key, value]) => `${key}="${escapeMarkup(value)}"`)].join(" ");
  if (EMPTY.has(name)) return `<${start}/>`;
  return `<${start}>${children.map((child) => savedMarkup(child, isFormula || name === "math")).join("")}</${name}>`;
}

const escapeOnly = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

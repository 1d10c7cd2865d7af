/** @file HTML and SVG by tagged template: every interpolated value is escaped unless it was itself made here. */
import { visibleText } from "./plain-text.ts";

/** Finished markup; only {@link markup} and {@link trustedMarkup} make it, so a plain string can never pass for it. */
export class Markup {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** What a template may hold: text and numbers are escaped, markup stands as it is, lists are joined, nothing is empty. */
export type MarkupValue = string | number | Markup | null | undefined | false | readonly MarkupValue[];

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** Text safe inside an element or a quoted attribute of HTML or XML. Control characters are shown as pictures. */
export function escapeMarkup(text: string): string {
  return visibleText(text).replace(/[&<>"']/g, (character) => ENTITIES[character] ?? "");
}

function render(value: MarkupValue): string {
  if (value === null || value === undefined || value === false) return "";
  if (value instanceof Markup) return value.text;
  if (typeof value === "number") return String(value);
  if (typeof value === "string") return escapeMarkup(value);
  return value.map(render).join("");
}

/** Tagged template for HTML and SVG. Attributes must be quoted in the template; names must not be interpolated. */
export function markup(strings: TemplateStringsArray, ...values: readonly MarkupValue[]): Markup {
  return new Markup(strings.reduce((text, part, index) => text + render(values[index - 1]) + part));
}

/** Markup from a text written by us, such as a style sheet; never call it with anything read from a run. */
export function trustedMarkup(text: string): Markup {
  return new Markup(text);
}

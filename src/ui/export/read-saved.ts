/** @file Reads what is on the page now into what can be saved of it. */
import type { SavedElement, SavedNode } from "./saved-markup.ts";
import type { StyleRule } from "./saved-chart.ts";

/** An element as it is saved: what could be acted on becomes what it says, and what only acts is left out. */
export function readSaved(element: Element): SavedElement {
  const attributes = Object.fromEntries([...element.attributes].map(({ name, value }) => [name, value]));
  return { name: element.localName, attributes, children: [...element.childNodes].flatMap(readNode) };
}

function readNode(node: Node): readonly SavedNode[] {
  if (node instanceof Text) return [node.data];
  if (!(node instanceof Element)) return [];
  if (node instanceof HTMLInputElement) return readInput(node);
  if (node instanceof HTMLTextAreaElement) return [textElement("div", node.value, "saved-field")];
  if (node instanceof HTMLSelectElement) return [textElement("strong", node.selectedOptions[0]?.text ?? "")];
  if (node instanceof HTMLButtonElement) return readButton(node);
  const read = readSaved(node);
  // A place of the page is no place of the file.
  if (node instanceof HTMLAnchorElement) return [{ ...read, name: "span" }];
  if (node instanceof SVGElement && read.name === "a") return [{ ...read, name: "g" }];
  return [read.name === "form" ? { ...read, name: "div" } : read];
}

function textElement(name: string, text: string, style = ""): SavedElement {
  return { name, attributes: style === "" ? {} : { class: style }, children: [text] };
}

function readInput({ type, value, checked }: HTMLInputElement): readonly SavedNode[] {
  if (type === "checkbox") return [checked ? "☑ " : "☐ "];
  if (type === "radio") return [checked ? "● " : "○ "];
  // What a slider stands at is said beside it.
  return type === "range" || value === "" ? [] : [textElement("span", value, "saved-field")];
}

/** A button that says which of several is shown stays as text; one that only does something goes. */
function readButton(button: HTMLButtonElement): readonly SavedNode[] {
  const isPressed = button.ariaPressed === "true";
  if (button.ariaPressed === null && button.ariaExpanded === null) return [];
  return [{ ...readSaved(button), name: isPressed ? "strong" : "span" }];
}

/** Every rule of the page's style sheets. */
export function readStyle(): string {
  return sheetRules()
    .map(({ cssText }) => cssText)
    .join("\n");
}

/** The rules that hold under no condition. */
export function readPlainRules(): readonly StyleRule[] {
  return sheetRules().flatMap((rule) =>
    rule instanceof CSSStyleRule ? [{ selector: rule.selectorText, body: rule.style.cssText }] : [],
  );
}

function sheetRules(): readonly CSSRule[] {
  return [...document.styleSheets].flatMap((sheet) => [...sheet.cssRules]);
}

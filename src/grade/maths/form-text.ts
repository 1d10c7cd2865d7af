/** @file One text for trees of the same form: a quick way to see that two are equal, before any arithmetic. */
import { rationalText } from "./rational.ts";
import { childrenOf, type Tree } from "./tree.ts";

/** The form as text; the order of terms, of factors and of a set's items makes no difference. */
export function formText(tree: Tree): string {
  const parts = childrenOf(tree).map(formText);
  switch (tree.type) {
    case "number":
      return rationalText(tree.value);
    case "symbol":
      return tree.name;
    case "text":
      return `"${tree.text.toLowerCase()}"`;
    case "sum":
    case "product":
    case "set":
      return `${tree.type}(${parts.sort().join()})`;
    case "call":
      return `${tree.name}(${parts.join()})`;
    case "series":
      return `${tree.kind}/${tree.variable}(${parts.join()})`;
    case "based":
      return `${tree.digits}_${tree.base}`;
    case "time":
      return `time(${tree.minutes},${tree.half})`;
    case "plusMinus":
      return `pm${tree.sign}(${parts.join()})`;
    case "group":
      return `${tree.open}${parts.join()}${tree.close}`;
    case "namedSet":
      return `set:${tree.name}`;
    case "setOperation":
      return `${tree.kind}(${(tree.kind === "difference" ? parts : parts.sort()).join()})`;
    case "matrix":
      return `matrix${tree.rows.map((row) => `[${row.map(formText).join()}]`).join("")}`;
    case "relation":
      return `${tree.operators.join()}(${parts.join()})`;
    case "infinity":
    case "quotient":
    case "power":
    case "percent":
    case "degrees":
    case "setBuilder":
      return `${tree.type}(${parts.join()})`;
    default:
      return tree satisfies never;
  }
}

/** @file The recipe's fields as a flat list, read off its JSON Schema: for the reference page, `--set`, and "did you mean". */
import { z } from "zod";
import { Recipe } from "./recipe.ts";

/** The parts of JSON Schema that zod writes for a recipe. */
export interface SchemaNode {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly minItems?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
  readonly format?: string;
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly required?: readonly string[];
  readonly items?: SchemaNode | false;
  readonly prefixItems?: readonly SchemaNode[];
  readonly oneOf?: readonly SchemaNode[];
  readonly anyOf?: readonly SchemaNode[];
  readonly not?: SchemaNode;
}

/** JSON Schema of a recipe as a person writes it (fields with a default may be left out). */
export function recipeSchema(): SchemaNode {
  return z.toJSONSchema(Recipe, { io: "input" }) as SchemaNode;
}

/** One field that can be set. */
export interface RecipeField {
  /** Dotted; `0` stands for any index of a list. */
  readonly path: string;
  /** The variant that has this field, as "trace.teacher.type = builtin"; empty for a field that is always there. */
  readonly variant: string;
  readonly node: SchemaNode;
  readonly isRequired: boolean;
}

/** Every field of a recipe, in the order of its schema; objects themselves are left out, their fields are listed. */
export function recipeFields(node: SchemaNode = recipeSchema()): RecipeField[] {
  return walk(node, { path: "", variant: "", isRequired: true });
}

function walk(node: SchemaNode, place: Omit<RecipeField, "node">): RecipeField[] {
  const { path } = place;
  const options = node.oneOf ?? node.anyOf;
  if (options?.some(({ properties }) => properties))
    return options.flatMap((option) =>
      walk(option, { ...place, variant: `${path}.type = ${String(option.properties?.type?.const)}` }),
    );
  if (node.properties) {
    return Object.entries(node.properties).flatMap(([key, child]) =>
      walk(child, {
        ...place,
        path: path === "" ? key : `${path}.${key}`,
        isRequired: node.required?.includes(key) ?? false,
      }),
    );
  }
  if (node.items && (node.items.properties ?? node.items.oneOf))
    return walk(node.items, { ...place, path: `${path}.0` });
  return [{ ...place, node }];
}

/** What a field holds, in a few words: "whole number >= 1", "one of s1, random". */
export function describeType(node: SchemaNode): string {
  if (node.not) return "nothing";
  if (node.const !== undefined) return JSON.stringify(node.const);
  if (node.enum) return `one of ${node.enum.map((value) => JSON.stringify(value)).join(", ")}`;
  if (node.anyOf) return node.anyOf.map(describeType).join(" or ");
  if (node.prefixItems) return `[${node.prefixItems.map(describeType).join(", ")}]`;
  if (node.type === "array") return `list of ${node.items ? describeType(node.items) : "anything"}`;
  if (node.type === "integer") return `whole number${describeBounds(node)}`;
  if (node.type === "number") return `number${describeBounds(node)}`;
  if (node.type === "boolean") return "true or false";
  return node.format === "uri" ? "URL" : "text";
}

function describeBounds({ minimum, maximum, exclusiveMinimum }: SchemaNode): string {
  const low = minimum ?? exclusiveMinimum;
  const isCapped = maximum !== undefined && maximum < Number.MAX_SAFE_INTEGER;
  if (isCapped && minimum !== undefined) return ` ${minimum} to ${maximum}`;
  if (low === undefined || low <= Number.MIN_SAFE_INTEGER) return "";
  return minimum === undefined ? ` > ${low}` : ` >= ${low}`;
}

/** The names below one place of a recipe; `value` picks the variant of a union, if it says its type. */
export function namesAt(path: readonly PropertyKey[], value: unknown): string[] {
  return [...new Set(nodesAt(path, value).flatMap(({ properties }) => Object.keys(properties ?? {})))];
}

/** The schema nodes that a path may lead to: several where a union is still open, none where there is no such field. */
export function nodesAt(path: readonly PropertyKey[], value: unknown): SchemaNode[] {
  let nodes = variantsOf(recipeSchema(), value);
  let current = value;
  for (const step of path) {
    current = isContainer(current) ? (current as Record<PropertyKey, unknown>)[step] : undefined;
    nodes = nodes.flatMap((node) => childrenOf(node, step)).flatMap((node) => variantsOf(node, current));
  }
  return nodes;
}

function childrenOf(node: SchemaNode, step: PropertyKey): SchemaNode[] {
  if (node.properties) {
    const child = Object.hasOwn(node.properties, step) ? node.properties[String(step)] : undefined;
    return child ? [child] : [];
  }
  if (!/^\d+$/.test(String(step))) return [];
  const child = node.prefixItems ? node.prefixItems[Number(step)] : node.items;
  return child ? [child] : [];
}

function variantsOf(node: SchemaNode, value: unknown): SchemaNode[] {
  const options = node.oneOf ?? node.anyOf;
  if (!options) return [node];
  const type = isContainer(value) ? (value as { type?: unknown }).type : undefined;
  const chosen = options.filter((option) => option.properties?.type?.const === type);
  return chosen.length > 0 ? chosen : [...options];
}

function isContainer(value: unknown): boolean {
  return typeof value === "object" && value !== null;
}

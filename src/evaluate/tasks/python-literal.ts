/**
 * @file Writes JSON as a Python literal: numbers keep their spelling (3.0 stays a float, 10^30 stays whole), and a shape says
 * which lists stand for tuples, sets or complex numbers, that JSON cannot hold.
 */

/** What a JSON value stands for in Python. */
export type PythonShape =
  | "keep"
  | "tuple"
  | "set"
  | "float"
  | "complex"
  /** A list at any depth is a tuple. */
  | "tuples"
  | { readonly listOf: PythonShape }
  | { readonly tupleOf: PythonShape }
  | { readonly dictOf: PythonShape };

/** Why a text is no JSON that can be written as a literal. */
export class LiteralError extends Error {}

const MAX_DEPTH = 64;
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const SPACE = /[ \t\r\n]*/y;
const WORDS: Readonly<Record<string, string>> = { true: "True", false: "False", null: "None" };

/** The elements of a JSON list, each as its own text. Throws LiteralError for what is no list. */
export function jsonElements(json: string): readonly string[] {
  const reader = new JsonWriter(json);
  return reader.elementTexts();
}

/** A JSON list of arguments as a Python list, one shape an argument; arguments beyond the shapes take the last one. */
export function pythonArguments(json: string, shapes: readonly PythonShape[]): string {
  const last = shapes.at(-1) ?? "keep";
  const items = jsonElements(json).map((text, at) => pythonLiteral(text, shapes[at] ?? last));
  return `[${items.join(", ")}]`;
}

/** A JSON text as a Python literal. Throws LiteralError for what is no JSON, or does not have the shape. */
export function pythonLiteral(json: string, shape: PythonShape = "keep"): string {
  return new JsonWriter(json).whole(shape);
}

class JsonWriter {
  readonly #json: string;
  #at = 0;

  constructor(json: string) {
    this.#json = json;
  }

  whole(shape: PythonShape): string {
    const literal = this.#value(shape, 0);
    this.#expectEnd();
    return literal;
  }

  elementTexts(): string[] {
    const texts: string[] = [];
    this.#sequence("[", "]", () => {
      this.#take(SPACE);
      const start = this.#at;
      this.#value("keep", 1);
      texts.push(this.#json.slice(start, this.#at));
    });
    this.#expectEnd();
    return texts;
  }

  #value(shape: PythonShape, depth: number): string {
    if (depth > MAX_DEPTH) throw new LiteralError(`nested deeper than ${MAX_DEPTH}`);
    this.#take(SPACE);
    const first = this.#json[this.#at];
    if (first === "[") return this.#list(shape, depth);
    if (first === "{") return this.#dict(shape, depth);
    const scalar = first === '"' ? this.#string() : this.#word();
    return shape === "float" || shape === "complex" ? `${shape}(${scalar})` : scalar;
  }

  #list(shape: PythonShape, depth: number): string {
    const inner = itemShape(shape);
    const items: string[] = [];
    this.#sequence("[", "]", () => void items.push(this.#value(inner, depth + 1)));
    const isTuple = shape === "tuple" || shape === "tuples" || (typeof shape === "object" && "tupleOf" in shape);
    if (isTuple) return items.length === 1 ? `(${items[0]},)` : `(${items.join(", ")})`;
    // EvalPlus gives an empty dict where the data has an empty set.
    return shape === "set" ? `{${items.join(", ")}}` : `[${items.join(", ")}]`;
  }

  #dict(shape: PythonShape, depth: number): string {
    const inner = typeof shape === "object" && "dictOf" in shape ? shape.dictOf : "keep";
    const members: string[] = [];
    this.#sequence("{", "}", () => {
      this.#take(SPACE);
      const key = this.#string();
      this.#expect(":");
      members.push(`${key}: ${this.#value(inner, depth + 1)}`);
    });
    return `{${members.join(", ")}}`;
  }

  #sequence(open: string, close: string, readItem: () => void): void {
    this.#expect(open);
    this.#take(SPACE);
    if (this.#json[this.#at] === close) {
      this.#at += 1;
      return;
    }
    for (;;) {
      readItem();
      this.#take(SPACE);
      if (this.#json[this.#at] !== ",") break;
      this.#at += 1;
    }
    this.#expect(close);
  }

  /** JSON's escapes mean the same in Python, but for a pair of surrogates and the slash: so it is read and written anew. */
  #string(): string {
    return JSON.stringify(JSON.parse(this.#take(STRING) || this.#fail("a string")));
  }

  #word(): string {
    const number = this.#take(NUMBER);
    if (number !== "") return number;
    for (const [word, literal] of Object.entries(WORDS)) {
      if (!this.#json.startsWith(word, this.#at)) continue;
      this.#at += word.length;
      return literal;
    }
    return this.#fail("a value");
  }

  #take(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#json)?.[0] ?? "";
    this.#at += found.length;
    return found;
  }

  #expect(character: string): void {
    this.#take(SPACE);
    if (this.#json[this.#at] !== character) this.#fail(character);
    this.#at += 1;
  }

  #expectEnd(): void {
    this.#take(SPACE);
    if (this.#at < this.#json.length) this.#fail("the end");
  }

  #fail(wanted: string): never {
    throw new LiteralError(`expected ${wanted} at character ${this.#at}`);
  }
}

function itemShape(shape: PythonShape): PythonShape {
  if (shape === "tuples") return "tuples";
  if (typeof shape !== "object") return "keep";
  if ("listOf" in shape) return shape.listOf;
  return "tupleOf" in shape ? shape.tupleOf : "keep";
}

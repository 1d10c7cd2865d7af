import { expect, test } from "vitest";
import { judgedProgram, wantedNames } from "./code-program.ts";
import type { FunctionSpec } from "./code-spec.ts";

const spec: FunctionSpec = {
  kind: "function",
  prompt: 'import math\n\ndef helper(x):\n    return x\n\n\ndef area(r):\n    """ Area. """\n',
  entryPoint: "area",
  test: "def check(candidate): assert candidate(0) == 0",
};
const secret = { nonce: "ab".repeat(16), callMs: 1000 };
const tested = (code: string): string | undefined => judgedProgram(spec, code, secret).files["candidate.py"];

test("a whole function comes after the prompt's imports and helpers, and replaces what the prompt leaves open", () => {
  const whole = "def area(r):\n    return math.pi * r * r";
  expect(tested(whole)).toBe(`import math\n\ndef helper(x):\n    return x\n\n\n${whole}`);
});

test("a body goes on where the prompt stops, indented if it was not, without the prose behind it", () => {
  const start = 'def area(r):\n    """ Area. """\n';
  expect(tested("    return r\n\nThis works.")?.endsWith(`${start}    return r\n\n`)).toBe(true);
  expect(tested("if r:\n    return r")?.endsWith(`${start}    if r:\n        return r\n`)).toBe(true);
  expect(tested("    return g(r)\n\ndef g(r):\n    return r")).toContain("def g(r):");
});

test("nonce and tests are on standard input, in no file", () => {
  const { files, stdin } = judgedProgram(spec, "def area(r): return 0", secret);
  expect(JSON.parse(stdin)).toMatchObject({ nonce: secret.nonce, test: spec.test, callSeconds: 1 });
  for (const text of Object.values(files)) {
    expect(text).not.toContain(secret.nonce);
    expect(text).not.toContain("def check(");
  }
});

test("names that a reply should define come from the entry point or from the calls in the asserts", () => {
  expect(wantedNames(spec)).toEqual(["area"]);
  expect(wantedNames({ kind: "asserts", setup: "", asserts: ["assert set(f(1)) == {2}"] })).toEqual(["set", "f"]);
  expect(wantedNames({ kind: "calls", entryPoint: "go", preamble: "", tests: [] })).toEqual(["go", "Solution"]);
});

import { expect, test } from "vitest";
import { extractCode, MAX_CODE_LENGTH } from "./extract-code.ts";

const fence = (code: string, language = "python"): string => `\`\`\`${language}\n${code}\n\`\`\``;

test("the last Python block is the program, unless an earlier one defines what is asked for", () => {
  const reply = `First:\n${fence("def f(): pass")}\nThen:\n${fence("print(f())")}\nThat is it.`;
  expect(extractCode(reply)).toEqual({ status: "ok", code: "print(f())", rule: "block/python" });
  expect(extractCode(reply, ["f"])).toEqual({ status: "ok", code: "def f(): pass", rule: "block/defining" });
});

test("a method counts as a definition, a call does not", () => {
  const solution = "class Solution:\n    def go(self): return 1";
  expect(extractCode(`${fence(solution)}\n${fence("go()")}`, ["go"])).toMatchObject({ code: solution });
});

test("Python is preferred to other languages, a block in another to none", () => {
  expect(extractCode(`${fence("x = 1", "py")}\n${fence("ls", "bash")}`)).toMatchObject({ code: "x = 1" });
  expect(extractCode(fence("x = 1", ""))).toMatchObject({ code: "x = 1", rule: "block/plain" });
});

test("a block that is never closed reaches to the end, an indented one loses its indent, longer fences hold shorter ones", () => {
  expect(extractCode("```python\nx = 1\ny = 2")).toMatchObject({ code: "x = 1\ny = 2" });
  expect(extractCode("1. So:\n   ```python\n   if x:\n       y\n   ```")).toMatchObject({ code: "if x:\n    y" });
  expect(extractCode('````python\ns = """\n```\n"""\n````')).toMatchObject({ code: 's = """\n```\n"""' });
  expect(extractCode("~~~python\r\nx = 1\r\n~~~\r\n")).toMatchObject({ code: "x = 1" });
});

test("without fences the text is a program from its first line of code on, or a body as it stands", () => {
  expect(extractCode("Sure! Here it is.\nimport math\nprint(1)")).toMatchObject({ code: "import math\nprint(1)" });
  const body = "    return a + b\n\nprint(1)";
  expect(extractCode(body)).toMatchObject({ status: "ok", code: body, rule: "text/indented" });
});

test("prose, an empty reply and an empty block hold no program", () => {
  for (const reply of ["", "I cannot do that.", "```python\n\n```", "```"]) {
    expect(extractCode(reply), reply).toEqual({ status: "none" });
  }
});

test("what is too long is no answer, however it is built, and takes no time", () => {
  expect(extractCode(fence("#".repeat(MAX_CODE_LENGTH + 1)))).toEqual({ status: "too-long" });
  expect(extractCode("`".repeat(2_000_000))).toEqual({ status: "too-long" });
  const start = performance.now();
  for (const hostile of ["```python\n", "```\n```\n", "~~~`", "  ", "a, "])
    extractCode(hostile.repeat(100_000 / hostile.length));
  expect(performance.now() - start).toBeLessThan(1000);
});

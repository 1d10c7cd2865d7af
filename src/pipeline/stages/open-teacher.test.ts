import { expect, test } from "vitest";
import { Recipe } from "../../schema/recipe.ts";
import { keyInTheClear, teacherIdentity } from "./open-teacher.ts";

function teacher(fields: object): Recipe["trace"]["teacher"] {
  const family = { type: "family", family: "arithmetic", count: 1, difficulty: [2, 3] };
  const rest = { name: "x", student: { base: "b" }, collect: { sources: [family] } };
  return Recipe.parse({ ...rest, trace: { teacher: fields } }).trace.teacher;
}

const REMOTE = { type: "openai-compatible", model: "m", apiKeyEnv: "KEY" };

test.each([
  ["http://10.0.0.7:8000/v1", "10.0.0.7"],
  ["http://127.0.0.1.example.org/v1", "127.0.0.1.example.org"],
  ["https://api.example.org/v1", undefined],
  ["http://localhost:8000/v1", undefined],
  ["http://127.0.0.1:8000/v1", undefined],
  ["http://[::1]:8000/v1", undefined],
])("a key to %s is told of: %s", (baseUrl, host) => {
  expect(keyInTheClear(teacher({ ...REMOTE, baseUrl }))).toBe(host);
});

test("an endpoint that needs no key, and the built-in teacher, send none", () => {
  expect(keyInTheClear(teacher({ type: "openai-compatible", model: "m", baseUrl: "http://10.0.0.7/v1" }))).toBe(
    undefined,
  );
  expect(keyInTheClear(teacher({ type: "builtin" }))).toBe(undefined);
});

test("what a teacher says does not depend on where it is reached or how fast it is", () => {
  const quick = teacher({ type: "builtin", port: 8080, latencyMs: 0, rateLimitRate: 0 });
  expect(teacherIdentity(quick)).toEqual(teacherIdentity(teacher({ type: "builtin" })));
  expect(teacherIdentity(teacher({ type: "builtin", slipRate: 0.5 }))).not.toEqual(teacherIdentity(quick));
  const [one, other] = ["https://a.example/v1", "https://b.example/v1"].map((baseUrl) =>
    teacherIdentity(teacher({ ...REMOTE, baseUrl })),
  );
  expect(one).toEqual(other);
});

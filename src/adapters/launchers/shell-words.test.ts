import { spawnSync } from "node:child_process";
import fc from "fast-check";
import { expect, test } from "vitest";
import { shellLine } from "./shell-words.ts";

test("a shell takes back every word as it was", () => {
  const word = fc.string({ unit: "grapheme" }).filter((text) => !text.includes("\0"));
  fc.assert(
    fc.property(fc.array(word, { minLength: 1, maxLength: 4 }), (words) => {
      const { stdout } = spawnSync("sh", ["-c", `printf '%s\\0' ${shellLine(words)}`], { encoding: "utf8" });
      expect(stdout).toBe(words.map((text) => `${text}\0`).join(""));
    }),
    { numRuns: 40 }, // a shell each
  );
  const nasty = ["$(touch /tmp/x)", "`id`", "a'b\"c", "\\", "*", "~", "!!", "-n", ""];
  const { stdout } = spawnSync("sh", ["-c", `printf '%s\\0' ${shellLine(nasty)}`], { encoding: "utf8" });
  expect(stdout.split("\0").slice(0, -1)).toEqual(nasty);
});

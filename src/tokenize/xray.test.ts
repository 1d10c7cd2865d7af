import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { loadTokenizer } from "./tokenizer.ts";
import { xray } from "./xray.ts";

const readJson = (name: string) => JSON.parse(readFileSync(`models/demo-base/${name}`, "utf8"));
const tokenizer = loadTokenizer({ tokenizer: readJson("tokenizer.json"), config: readJson("tokenizer_config.json") });

describe("the x-ray", () => {
  it("shows each token with its mask, and escapes what could drive a terminal", () => {
    const sequence = { inputIds: tokenizer.encodeControl("<|im_start|>a \u001b\\"), labels: [-100, 64, 220, 188, 59] };
    expect(xray(tokenizer, sequence)).toBe(
      [
        "5 tokens, 4 trained",
        "     0    296 . <|im_start|>",
        "     1     64 + a",
        "     2    220 + \u2423",
        "     3    215 + \\x1b",
        "     4     59 + \\\\",
      ].join("\n"),
    );
  });

  it("leaves out the middle of a long example and says so", () => {
    const inputIds = tokenizer.encodeUser("a".repeat(9));
    const lines = xray(tokenizer, { inputIds, labels: inputIds }, 4).split("\n");
    expect(lines).toHaveLength(6);
    expect(lines[3]).toContain("5 tokens left out");
    expect(lines[5]).toBe("     8     64 + a");
  });
});

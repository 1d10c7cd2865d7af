/** @file Documents must be true: links lead somewhere, and every package that is installed with Grappa is credited. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const root = dirname(dirname(fileURLToPath(import.meta.url)));

function documents(): readonly string[] {
  const inside = (folder: string) =>
    readdirSync(join(root, folder))
      .filter((name) => name.endsWith(".md"))
      .map((name) => (folder === "." ? name : `${folder}/${name}`));
  return [...inside("."), ...inside("docs"), ...inside("docs/decisions")];
}

describe.each(documents())("%s", (path) => {
  const text = readFileSync(join(root, path), "utf8").replace(/```[^]*?```/g, "");

  it("links only to files that exist", () => {
    const targets = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = ""]) => target);
    const local = targets
      .filter((target) => !/^(https?:|mailto:|#)/.test(target))
      .map((target) => target.split("#")[0] ?? "");
    expect(local.filter((target) => !existsSync(join(root, dirname(path), target)))).toEqual([]);
  });
});

it("docs/README.md names every page of docs/", () => {
  const index = readFileSync(join(root, "docs/README.md"), "utf8");
  const pages = readdirSync(join(root, "docs")).filter((name) => name.endsWith(".md") && name !== "README.md");
  expect(pages.filter((name) => !index.includes(`](${name})`))).toEqual([]);
});

it("THIRD_PARTY_NOTICES credits every run-time package at its locked version and licence", () => {
  const notices = readFileSync(join(root, "THIRD_PARTY_NOTICES"), "utf8");
  const lock = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")) as {
    packages: Record<string, { version?: string; license?: string; dev?: boolean; optional?: boolean }>;
  };
  const missing = Object.entries(lock.packages)
    .filter(([path, { dev }]) => path !== "" && dev !== true)
    .map(([path, { version, license }]) => `${path.replace(/^.*node_modules\//, "")} ${version}\n  Licence: ${license}`)
    .filter((entry) => !notices.includes(entry));
  expect(missing).toEqual([]);
});

/** @file Documents must be true: links lead somewhere, and every package that is installed with Grappa is credited. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { families } from "../src/questions/families.ts";

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

it("docs/questions.md has the families of the registry, in its order", () => {
  const rows = readFileSync(join(root, "docs/questions.md"), "utf8").split("\n");
  const table = rows.filter((line) => line.startsWith("| `"));
  expect(table).toEqual(
    Object.values(families).map(
      ({ name, domain, levels, description }) => `| \`${name}\` | ${domain} | ${levels.length} | ${description} |`,
    ),
  );
});

describe("THIRD_PARTY_NOTICES", () => {
  const text = (path: string) => readFileSync(join(root, path), "utf8");
  const json = <T>(path: string) => JSON.parse(text(path)) as T;
  const notices = text("THIRD_PARTY_NOTICES");
  /** `name version` and licence of each entry of the section on run-time packages. */
  const entries = [...notices.matchAll(/^(@?[\w./-]+ \d\S*)\n {2}Licence: (\S+)$/gm)].map(([, name, licence]) =>
    [name, licence].join(", "),
  );

  it("credits every run-time package at its locked version and licence, and nothing else", () => {
    const { packages } = json<{
      packages: Record<string, { version?: string; license?: string; dev?: boolean }>;
    }>("package-lock.json");
    const expected = Object.entries(packages)
      .filter(([path, { dev }]) => path !== "" && dev !== true)
      .map(([path, { version, license }]) => `${path.replace(/^.*node_modules\//, "")} ${version}, ${license}`);
    expect([...entries].sort()).toEqual(expected.sort());
  });

  it("credits every dependency of package.json at the version that it pins", () => {
    const { dependencies } = json<{ dependencies: Record<string, string> }>("package.json");
    const pinned = Object.entries(dependencies).map(([name, version]) => `${name} ${version}`);
    expect(pinned.length).toBeGreaterThan(0);
    const credited = entries.map((entry) => entry.replace(/, .*$/, ""));
    expect(pinned.filter((name) => !credited.includes(name))).toEqual([]);
  });

  it("gives or links the text of every licence it names", () => {
    const texts = notices.slice(notices.indexOf("3. Licence texts"));
    const licences = new Set(entries.map((entry) => entry.replace(/^.*, /, "")));
    for (const licence of licences) expect(texts.replace("Apache License 2.0", "Apache-2.0")).toContain(licence);
  });
});

import { describe, test } from "vitest";
import { type CodeRunnerOptions, openCodeRunner } from "../../src/adapters/sandbox/open-code-runner.ts";
import { attack } from "./attack-suite.ts";
import { ATTACKS, type Column } from "./attacks.ts";
import { isFull, isRoot, me, USER } from "./full.ts";
import { pathWith } from "./path-with.ts";
import { runnerAs } from "./runner-as.ts";

/** Tests of Pyodide with these programs on PATH; a file for each, since a file is what runs beside others. */
export function attackPyodide(column: Column, programs: readonly string[]): void {
  process.env["GRAPPA_TEST_SECRET"] = "k3y-0f-th3-h0us3";
  const optionsOf = async (): Promise<CodeRunnerOptions | undefined> => {
    const path = await pathWith(...programs);
    if (path !== undefined) return { backend: "pyodide", allowPartialSandbox: true, spares: 1, concurrency: 2, path };
    console.log(`SKIP ${column}: one of ${programs.join(", ")} is not on PATH`);
    return undefined;
  };

  describe.runIf(isFull)(column, () => {
    test(me, async () => {
      const options = await optionsOf();
      if (options === undefined) return;
      await attack({ title: `${column}, ${me}`, column, attacks: ATTACKS }, openCodeRunner(options));
    }, 300_000);

    test.runIf(isRoot)(
      "as an ordinary user: the attacks that take a moment",
      async () => {
        const options = await optionsOf();
        if (options === undefined) return;
        const attacks = ATTACKS.filter(({ isFast }) => isFast);
        await attack({ title: `${column}, as an ordinary user`, column, attacks }, runnerAs(USER, options));
      },
      300_000,
    );
  });
}

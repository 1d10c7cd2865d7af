import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type FakeMachine, fakeMachine } from "./fake-cli.ts";

let machine: FakeMachine;
beforeEach(async () => {
  machine = await fakeMachine();
});
afterEach(() => rm(machine.folder, { recursive: true, force: true }));

/** The last line of standard output, which must be JSON. */
function lastJson(stdout: string): unknown {
  return JSON.parse(stdout.trimEnd().split("\n").at(-1) ?? "");
}

describe("help", () => {
  test("the whole", async () => {
    expect(await machine.run("--help")).toMatchInlineSnapshot(`
      {
        "exitCode": 0,
        "stderr": "",
        "stdout": "USAGE
        grappa demo
        grappa init
        grappa plan
        grappa run
        grappa curate
        grappa show <ID>
        grappa verify <RUN>
        grappa trace (--model NAME) (--questions FILE)
        grappa status <RUN>
        grappa ledger <RUN>
        grappa report <RUN>
        grappa ui
        grappa xray <RUN>
        grappa chat <MODEL>
        grappa serve <MODEL>
        grappa evaluate (--task TASK)
        grappa rescore <EVALUATION>
        grappa compare <A> <B>
        grappa questions list|sample ...
        grappa tasks
        grappa split (--out FILE) <TASK>
        grappa export <RUN>
        grappa push <RUN>
        grappa import (--out FOLDER) <DATA>
        grappa grade
        grappa schema
        grappa --help
        grappa --version

      Distil a large model's reasoning into a small one that you own, for a price you set beforehand.
      Start with \`grappa demo\`: it needs no key, no GPU and no network.

      FLAGS
        -h --help     Print help information and exit
        -v --version  Print version information and exit
           --         All subsequent inputs should be interpreted as arguments

      COMMANDS
        demo       the whole of s1 on this machine, in minutes: questions, traces, fine-tune, evaluation, report
        init       write a commented recipe.json and a README to start from; overwrites nothing
        plan       what a recipe will cost, stage by stage, and what its budget buys
        run        run a recipe, or go on with a run that was stopped
        curate     run a recipe up to its selection, and show its funnel: what went, where and why
        show       one question's whole story: tries, traces, grades, where it was dropped and why, its rank
        verify     check a run's files by their hashes, and make its selection again, byte for byte; offline
        trace      ask a teacher the questions of a file, with its reasoning; no recipe needed
        status     where a run stands, stage by stage; works while it is running
        ledger     where a run's money went, by stage, model and outcome; and what a right trace cost
        report     write a finished run's report.html, report.md and result.json again, and show the result
        ui         a local page of your runs: stages, training, money
        xray       what a run's student is trained on, token by token, with the loss mask and the gates
        chat       talk to a student: /budget 64, /wait 1, /help, /quit
        serve      serve a student as an OpenAI-compatible API, thinking under a budget
        evaluate   put a task to a student or an endpoint, and grade it, with intervals
        rescore    grade an evaluation's samples again, from its log; asks no model
        compare    compare two evaluations, or two runs, question by question: is the difference real?
        questions  the programmatic question families, and samples of them
        tasks      the tasks that \`grappa evaluate\` knows, and where their data is found
        split      write the questions of your own task that may be trained on; the others are held out for \`evaluate\`
        export     write what a run selected as a data set, or its student for transformers or llama.cpp
        push       send a run's data set or student to the Hugging Face Hub; shows what it would send until --yes
        import     a recipe that trains on traces that are there already, such as s1K
        grade      grade maths answers against their golds: JSON lines in, JSON lines out, or one pair
        schema     print the JSON Schema of a recipe or of a record on disk
      ",
      }
    `);
  });

  test.each([
    "demo",
    "init",
    "plan",
    "run",
    "curate",
    "show",
    "verify",
    "trace",
    "status",
    "ledger",
    "report",
    "chat",
    "grade",
    "evaluate",
    "rescore",
    "compare",
    "tasks",
    "split",
    "schema",
  ])("%s explains itself and knows --json", async (command) => {
    const { stdout, stderr, exitCode } = await machine.run(command, "--help");
    expect(exitCode).toBe(0);
    expect(stderr).toBe("");
    expect(stdout).toContain(`grappa ${command}`);
    expect(stdout).toContain("--json");
  });

  test("demo", async () => {
    expect((await machine.run("demo", "--help")).stdout).toMatchInlineSnapshot(`
      "USAGE
        grappa demo
        grappa demo --help

      Runs the recipe that comes with grappa into runs/demo-SEED: no key, no GPU, no network.
      A run that was stopped goes on where it was; a finished one shows its result.

      FLAGS
           [--json]      print one line of JSON instead of text                                                         [default = false]
           [--threads]   threads to compute with (default: all, or GRAPPA_THREADS)
           [--seed]      seed of every random choice (default: the recipe's)
           [--run]       folder of the run (default: runs/NAME-SEED)
           [--set]...    change a field of the recipe, for example train.epochs=3; may be repeated
           [--until]     stop after this stage                                                                          [collect|attempt|trace|grade|select|tokenize|train|evaluate|report]
           [--from]      run this stage and the later ones again                                                        [collect|attempt|trace|grade|select|tokenize|train|evaluate|report]
           [--update]    let a changed recipe into an existing run; what it does not touch is kept                      [default = false]
           [--controls]  after the run, its controls: what else could explain the gain, and whether Wait may be claimed [default = false]
           [--verify]    check finished stages by hash, not by size                                                     [default = false]
           [--plan]      say what would be done, and do nothing                                                         [default = false]
           [--fresh]     throw an earlier demo run away and begin anew                                                  [default = false]
        -h  --help       Print help information and exit
            --           All subsequent inputs should be interpreted as arguments
      "
    `);
  });

  test("help and help COMMAND say the same as --help", async () => {
    expect(await machine.run("help")).toEqual(await machine.run("--help"));
    expect(await machine.run("help", "init")).toEqual(await machine.run("init", "--help"));
    expect((await machine.run("help", "deom")).exitCode).toBe(2);
  });

  test("version", async () => {
    expect(await machine.run("--version")).toEqual({ stdout: "0.0.0-test\n", stderr: "", exitCode: 0 });
  });
});

describe("command lines that say nothing we know", () => {
  test.each([
    ["an unknown command", ["deom"]],
    ["an unknown flag", ["demo", "--sed", "1"]],
    ["a seed that is no number", ["demo", "--seed", "x"]],
    ["a field without a value", ["demo", "--set", "train.epochs"]],
    ["a missing argument", ["status"]],
  ])("%s", async (_phenomenon, args) => {
    const outcome = await machine.run(...args);
    expect(outcome.exitCode).toBe(2);
    expect(outcome.stdout).toBe("");
    expect(outcome.stderr).toMatchSnapshot();
    const json = await machine.run(...args, "--json");
    expect(lastJson(json.stdout)).toMatchObject({
      error: {
        code: "usage",
        message: expect.not.stringMatching(/^error|hint:/),
        hint: expect.stringContaining("--help"),
      },
    });
  });
});

describe("demo and run", () => {
  test("run every stage, then show the result without running again", async () => {
    const first = await machine.run("demo");
    expect(first).toMatchInlineSnapshot(`
      {
        "exitCode": 0,
        "stderr": "collect   done in 0.2 s: 1 file
      attempt   done in 0.2 s: 1 file
      trace     done in 0.2 s: 1 file
      grade     done in 0.2 s: 1 file
      select    done in 0.2 s: 1 file
      tokenize  done in 0.2 s: 1 file
      train     done in 0.2 s: 1 file
      evaluate  done in 0.2 s: 1 file
      report    done in 0.2 s: 1 file
      ",
        "stdout": "
      student 80 %, base 0 %

        report: runs/demo-0/report.html
      ",
      }
    `);
    const again = await machine.run("demo");
    expect(again.stderr).toBe("demo-0 is finished; this is its result (--fresh runs it again)\n");
    expect(again.stdout).toBe(first.stdout);
    expect((await machine.run("demo", "--fresh")).stderr).toContain("collect   done");
  });

  test("--json ends standard output with the one line that the issue asks for", async () => {
    const { stdout, exitCode } = await machine.run("demo", "--json", "--seed", "4");
    expect(exitCode).toBe(0);
    expect(stdout.split("\n")).toHaveLength(2);
    expect(Object.keys(lastJson(stdout) as object)).toEqual([
      "schemaVersion",
      "run",
      "seconds",
      "stages",
      "spentUsd",
      "accounts",
      "judge",
      "funnel",
      "base",
      "student",
      "sweep",
      "verdict",
      "waitClaim",
      "controls",
      "wouldHaveCost",
    ]);
    expect(JSON.parse(await readFile(join(machine.folder, "runs/demo-4/recipe.resolved.json"), "utf8"))).toMatchObject({
      schemaVersion: 1,
      seed: 4,
    });
  });

  test("a recipe of a newer format is refused by name before its fields, and one that says ours is taken", async () => {
    await machine.run("demo");
    const path = join(machine.folder, "runs/demo-0/recipe.resolved.json");
    const text = await readFile(path, "utf8");
    await writeFile(join(machine.folder, "ours.json"), text);
    expect((await machine.run("run", "ours.json", "--run", "runs/demo-0")).stderr).toContain("is finished");
    const newer = text.replace('"schemaVersion": 1', '"schemaVersion": 2,\n  "unheardOf": true');
    await writeFile(join(machine.folder, "newer.json"), newer);
    for (const json of [[], ["--json"]]) {
      const { stdout, stderr, exitCode } = await machine.run("run", "newer.json", ...json);
      expect(exitCode).toBe(4);
      expect(stderr).toContain("newer.json: schemaVersion 2, this grappa reads 1\nhint: use the grappa that wrote it");
      if (json.length === 0) expect(stdout).toBe("");
      else
        expect(lastJson(stdout)).toMatchObject({ error: { code: "schema-version", data: { found: 2, expected: 1 } } });
    }
    await writeFile(path, newer);
    expect((await machine.run("demo")).stderr).toContain("recipe.resolved.json: schemaVersion 2");
  });

  test("the header keeps the command that makes the same run", async () => {
    await machine.run("demo", "--seed", "4", "--set", "select.method=random", "--threads", "1", "--json");
    const { command } = JSON.parse(await readFile(join(machine.folder, "runs/demo-4/run.json"), "utf8")) as {
      command: string;
    };
    expect(command).toBe("grappa demo --seed 4 --set select.method=random");
  });

  test("--until stops early and says how to go on", async () => {
    const { stdout, exitCode } = await machine.run("demo", "--until", "trace");
    expect(exitCode).toBe(0);
    expect(stdout).toBe("runs/demo-0: finished up to trace. Go on: grappa demo --seed 0\n");
    expect((await machine.run("report", "demo-0")).exitCode).toBe(4);
  });

  test("--plan changes nothing", async () => {
    const { stdout, exitCode } = await machine.run("demo", "--plan");
    expect(exitCode).toBe(0);
    expect(stdout.split("\n").slice(0, 3)).toEqual([
      "plan for HERE/runs/demo-0",
      "collect    to run      collect something",
      "attempt    after these attempt something",
    ]);
    expect((await machine.run("status", "demo-0")).exitCode).toBe(4);
  });

  test("--plan shows what --until leaves and what --from and --fresh would run again", async () => {
    await machine.run("demo");
    const rows = async (...flags: string[]) =>
      (await machine.run("demo", "--plan", ...flags)).stdout.split("\n").slice(1, -1);
    expect((await rows("--until", "trace")).map((row) => row.slice(0, 20).trim())).toEqual([
      "collect    done",
      "attempt    done",
      "trace      done",
    ]);
    expect((await rows("--from", "evaluate")).slice(6).map((row) => row.slice(0, 23).trim())).toEqual([
      "train      done",
      "evaluate   to run",
      "report     after these",
    ]);
    expect((await rows("--fresh"))[0]).toContain("to run");
    expect((await machine.run("status", "demo-0")).stdout).toContain("finished");
  });

  test("--from after --until is refused: it would throw outputs away and make none", async () => {
    await machine.run("demo");
    const { stderr, exitCode } = await machine.run("demo", "--from", "train", "--until", "collect");
    expect(exitCode).toBe(2);
    expect(stderr).toContain(
      "error: --from train comes after --until collect: nothing would run\nhint: the stages are collect,",
    );
    expect((await machine.run("status", "demo-0")).stdout).toContain("finished");
    expect((await machine.run("demo", "--from", "train", "--until", "train")).exitCode).toBe(0);
  });

  test("a folder without a recipe is named as that; one called like a recipe of ours does not hide it", async () => {
    await mkdir(join(machine.folder, "empty"));
    await mkdir(join(machine.folder, "demo"));
    const { stderr, exitCode } = await machine.run("run", "empty");
    expect(exitCode).toBe(4);
    expect(stderr).toBe(
      "error: HERE/empty: the folder holds no recipe.json\nhint: `grappa init FOLDER` writes one to start from\n",
    );
    expect((await machine.run("run", "demo", "--until", "collect")).exitCode).toBe(0);
  });

  test("an unknown recipe key is named with its place and what is near", async () => {
    const recipe = `{
  "name": "mine",
  "student": { "base": "demo-base" },
  "collect": { "sources": [{ "type": "family", "family": "program", "count": 9, "difficulty": [2, 3] }] },
  "trace": { "teacher": { "type": "builtin" } },
  "train": { "epochs": 1, "lerningRate": 0.001 },
  "evaluate": { "wait": [1] }
}`;
    await writeFile(join(machine.folder, "mine.json"), recipe);
    expect(await machine.run("run", "mine.json")).toMatchInlineSnapshot(`
      {
        "exitCode": 3,
        "stderr": "error: the recipe has 2 problems
        mine.json:6:27: train.lerningRate: unknown key (did you mean learningRate?)
        mine.json:7:17: evaluate.wait: unknown key (did you mean waits?)
      hint: docs/recipe.md lists every field; \`grappa schema recipe\` prints the JSON Schema
      ",
        "stdout": "",
      }
    `);
    const json = await machine.run("run", "mine.json", "--json");
    expect(lastJson(json.stdout)).toMatchObject({
      error: { code: "recipe-invalid", data: { problems: [{ path: "train.lerningRate" }, { path: "evaluate.wait" }] } },
    });
  });

  test("a changed recipe is refused until --update", async () => {
    await machine.run("demo");
    const refused = await machine.run("demo", "--set", "train.epochs=2");
    expect(refused.exitCode).toBe(6);
    expect(refused.stderr).toContain("different: train.epochs");
    expect((await machine.run("demo", "--set", "train.epochs=2", "--update")).exitCode).toBe(0);
    // The header's command is what the report tells others to run.
    const header = await readFile(join(machine.folder, "runs/demo-0/run.json"), "utf8");
    expect(header).toContain("grappa demo --seed 0 --set train.epochs=2");
  });

  test("a run in use by another process is left alone", async () => {
    await mkdir(join(machine.folder, "runs/demo-0"), { recursive: true });
    await writeFile(
      join(machine.folder, "runs/demo-0/lock.json"),
      JSON.stringify({ pid: 99, host: "here", birth: "" }),
    );
    expect(await machine.run("demo")).toMatchInlineSnapshot(`
      {
        "exitCode": 6,
        "stderr": "error: HERE/runs/demo-0/lock.json: this run is in use by process 99 on here
      hint: wait for it or stop it; use --run DIR for a second run beside it
      ",
        "stdout": "",
      }
    `);
  });

  test("Ctrl-C ends with 130, says how to go on, and the same command does", async () => {
    machine.during.train = ({ signal }) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason as Error));
        machine.interrupt();
      });
    expect(await machine.run("demo")).toMatchInlineSnapshot(`
      {
        "exitCode": 130,
        "stderr": "collect   done in 0.2 s: 1 file
      attempt   done in 0.2 s: 1 file
      trace     done in 0.2 s: 1 file
      grade     done in 0.2 s: 1 file
      select    done in 0.2 s: 1 file
      tokenize  done in 0.2 s: 1 file

      stopping (once more to stop at once)
      train     stopped after 0.2 s
      error: runs/demo-0: stopped by the user
      hint: what is finished is kept; the same command goes on from there: grappa demo --seed 0
      ",
        "stdout": "",
      }
    `);
    expect((await machine.run("status", "demo-0")).stdout).toMatchInlineSnapshot(`
      "demo-0: not finished; the command that began it goes on with it
      collect   done            0.2 s  1 file
      attempt   done            0.2 s  1 file
      trace     done            0.2 s  1 file
      grade     done            0.2 s  1 file
      select    done            0.2 s  1 file
      tokenize  done            0.2 s  1 file
      train     stopped         0.2 s  interrupted: runs/demo-0: stopped by the user
      evaluate  waiting
      report    waiting
      "
    `);
    machine.during = {};
    expect((await machine.run("demo")).stderr).toContain("train     done");
    expect((await machine.run("status", "demo-0", "--json")).stdout).toContain('"isComplete":true');
  });

  test("a bug shows its stack and asks to be reported", async () => {
    machine.during.grade = () => Promise.reject(new TypeError("x is not a function"));
    const { stderr, exitCode } = await machine.run("demo");
    expect(exitCode).toBe(1);
    expect(stderr).toContain("this is a bug in grappa, please report it");
    expect(stderr).toContain("fake-cli.ts");
  });
});

describe("init", () => {
  test("writes a recipe that runs, and overwrites nothing", async () => {
    const { stdout, exitCode } = await machine.run("init", "My Try");
    expect(exitCode).toBe(0);
    expect(stdout).toBe(
      "wrote HERE/My Try/recipe.json\nwrote HERE/My Try/recipe.schema.json\nwrote HERE/My Try/README.md\nrun it: grappa run 'My Try/recipe.json'\n",
    );
    expect((await machine.run("run", "My Try/recipe.json")).exitCode).toBe(0);
    expect((await machine.run("status", "my-try-0")).stdout).toContain("my-try-0: finished");
    const before = await readFile(join(machine.folder, "My Try/recipe.json"), "utf8");
    const again = await machine.run("init", "My Try");
    expect(again).toEqual({
      stdout: "",
      stderr:
        "error: HERE/My Try/recipe.json: there is one already\nhint: choose another folder; init overwrites nothing\n",
      exitCode: 4,
    });
    expect(await readFile(join(machine.folder, "My Try/recipe.json"), "utf8")).toBe(before);
  });

  test("writes beside a new repository's files and keeps its README", async () => {
    const here = (name: string) => join(machine.folder, "repo", name);
    await mkdir(here(".git"), { recursive: true });
    for (const name of ["README.md", "LICENSE", ".gitignore", ".git/HEAD"])
      await writeFile(here(name), `mine: ${name}`);
    const { stdout, exitCode } = await machine.run("init", "repo", "--json");
    expect(exitCode).toBe(0);
    expect(lastJson(stdout)).toEqual({
      files: ["HERE/repo/recipe.json", "HERE/repo/recipe.schema.json"],
      kept: ["HERE/repo/README.md"],
      next: "grappa run repo/recipe.json",
    });
    for (const name of ["README.md", "LICENSE", ".gitignore", ".git/HEAD"])
      expect(await readFile(here(name), "utf8")).toBe(`mine: ${name}`);
    expect((await machine.run("run", "repo/recipe.json", "--until", "collect")).exitCode).toBe(0);
  });

  test("writes nothing where a schema or a file of the folder's name stands", async () => {
    await mkdir(join(machine.folder, "half"));
    await writeFile(join(machine.folder, "half/recipe.schema.json"), "{}");
    await writeFile(join(machine.folder, "taken"), "text");
    for (const [target, what] of [
      ["half", "half/recipe.schema.json: there is one already"],
      ["taken", "taken: a file, not a folder"],
    ] as const) {
      const { stderr, exitCode } = await machine.run("init", target);
      expect(exitCode).toBe(4);
      expect(stderr).toBe(`error: HERE/${what}\nhint: choose another folder; init overwrites nothing\n`);
    }
    expect(await readdir(join(machine.folder, "half"))).toEqual(["recipe.schema.json"]);
    expect(await readFile(join(machine.folder, "taken"), "utf8")).toBe("text");
  });
});

describe("status, report and schema", () => {
  test("a run that is not there lists those that are", async () => {
    await machine.run("demo", "--seed", "1");
    const { stderr, exitCode } = await machine.run("status", "demo-2");
    expect(exitCode).toBe(4);
    expect(stderr).toBe(
      "error: no run at demo-2, and none of that name in HERE/runs (did you mean demo-1?)\nhint: there are: demo-1\n",
    );
  });

  test("a run of another version is refused by name", async () => {
    await machine.run("demo");
    const header = join(machine.folder, "runs/demo-0/run.json");
    await writeFile(header, (await readFile(header, "utf8")).replace('"schemaVersion": 1', '"schemaVersion": 2'));
    for (const command of [["status", "demo-0"], ["report", "demo-0"], ["demo"]]) {
      const { stderr, exitCode } = await machine.run(...command);
      expect(exitCode).toBe(4);
      expect(stderr).toContain("run.json: schemaVersion 2, this grappa reads 1");
    }
  });

  test("report shows the result again", async () => {
    await machine.run("demo");
    expect(lastJson((await machine.run("report", "demo-0", "--json")).stdout)).toMatchObject({
      student: { accuracy: 0.8 },
    });
    expect((await machine.run("report", "runs/demo-0")).stdout).toContain("report: ");
  });

  test("schema prints one, lists all, and knows near names", async () => {
    expect(JSON.parse((await machine.run("schema", "question")).stdout)).toMatchObject({
      title: "grappa question",
      type: "object",
    });
    expect((await machine.run("schema")).stdout).toContain("recipe\nquestion\nattempt\n");
    const { stderr, exitCode } = await machine.run("schema", "trase");
    expect(exitCode).toBe(2);
    expect(stderr).toContain("no schema is called trase (did you mean trace or task or triage?)");
  });
});

describe("chat", () => {
  test("answers one prompt; what would steer the terminal is shown as text", async () => {
    const { stdout, exitCode } = await machine.run(
      "chat",
      "demo-base",
      "--prompt",
      "2+1",
      "--budget",
      "64",
      "--wait",
      "1",
    );
    expect(exitCode).toBe(0);
    expect(stdout).toBe(
      "  | a+1 2+1=3<1b>[2J\nAnswer: 3\n(9 thinking tokens, 3 for the answer; 4 written by the budget)\n",
    );
    expect(machine.asked).toEqual([{ prompt: "2+1", setting: { budgetTokens: 64, waits: 1 } }]);
    expect(lastJson((await machine.run("chat", "demo-base", "--prompt", "2+1", "--json")).stdout)).toMatchObject({
      answer: "Answer: 3",
      end: "natural",
    });
  });

  test("talks until /quit, with its commands; an error of one reply does not end it", async () => {
    machine.typed = [
      "/budget 16",
      "first",
      "/wait 2",
      "too long",
      "/budget",
      "",
      "/wait many",
      "/what",
      "second",
      "/quit",
      "never",
    ];
    const { stdout, stderr, exitCode } = await machine.run("chat", "demo-base");
    expect(exitCode).toBe(0);
    expect(machine.asked).toEqual([
      { prompt: "first", setting: { budgetTokens: 16, waits: 0 } },
      { prompt: "too long", setting: { budgetTokens: 16, waits: 2 } },
      { prompt: "second", setting: { budgetTokens: undefined, waits: 2 } },
    ]);
    expect(stdout).toContain("error: the prompt is too long");
    expect(stderr).toContain("/wait takes a whole number from 0 to 16");
    expect(stderr).toContain("no command is called /what");
  });

  test("--json needs a prompt", async () => {
    expect((await machine.run("chat", "demo-base", "--json")).exitCode).toBe(2);
  });
});

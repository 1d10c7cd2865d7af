/**
 * @file What every launcher must do, as one suite. Each launcher's test file brings a bench: the launcher, a second one of
 * the same kind as another process would open it, and jobs that behave as they are told.
 *
 *     launcherContract("torchrun", () => openMyBench());
 */
import { lstatSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { JobHandle, JobSpec, JobStatus, Launcher } from "../../src/adapters/launchers/launcher.ts";

/** What a job of the contract does, in this order. */
export interface JobBehaviour {
  /** Lines that it prints at once. */
  readonly prints: readonly string[];
  /** Names of environment variables; it prints `NAME=value` of each. */
  readonly echoes: readonly string[];
  /** Files that it writes below GRAPPA_OUT, with their text. */
  readonly writes: Readonly<Record<string, string>>;
  /** Whether it then waits until it is released (see the bench), which it tells by the line `released`. */
  readonly holds: boolean;
  readonly exitCode: number;
}

/** A launcher under test and the world around it. */
export interface LauncherBench {
  readonly launcher: Launcher;
  /** A second launcher on the same world, as another process would open it. */
  reopen(): Promise<Launcher>;
  /** A job of this name that behaves so. Fakes may take the behaviour from the name alone. */
  spec(name: string, behaviour: JobBehaviour): JobSpec;
  /** Lets the held job of this name go on. */
  release(name: string): Promise<void>;
  close(): Promise<void>;
}

/** Facts about a launcher that are not the same everywhere. */
export interface LauncherTraits {
  /** Whether `timeoutSeconds` ends a job here. */
  readonly canTimeOut: boolean;
  /** Whether exit codes are told. */
  readonly tellsExitCode: boolean;
  /** Whether start and end are told. */
  readonly tellsTimes: boolean;
  /** For one step of a test, milliseconds. */
  readonly patienceMs: number;
}

const USUAL: LauncherTraits = { canTimeOut: true, tellsExitCode: true, tellsTimes: true, patienceMs: 15_000 };
const QUIET: JobBehaviour = { prints: [], echoes: [], writes: {}, holds: false, exitCode: 0 };

/** A behaviour from what is unusual in it. */
export const behaviour = (unusual: Partial<JobBehaviour>): JobBehaviour => ({ ...QUIET, ...unusual });

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const never = (): AbortSignal => new AbortController().signal;
const isEnded = ({ state }: JobStatus): boolean => state !== "queued" && state !== "running";

/** The first status for which `isIt` holds; throws with the last one after `patienceMs`. */
export async function statusWhere(
  { launcher, handle }: { readonly launcher: Launcher; readonly handle: JobHandle },
  isIt: (status: JobStatus) => boolean,
  patienceMs: number = USUAL.patienceMs,
): Promise<JobStatus> {
  const until = performance.now() + patienceMs;
  for (;;) {
    const status = await launcher.status(handle, never());
    if (isIt(status)) return status;
    if (performance.now() > until) throw new Error(`still ${JSON.stringify(status)} after ${patienceMs} ms`);
    await sleep(50);
  }
}

/** The status in which a job ended. */
export const endOf = (launcher: Launcher, handle: JobHandle, patienceMs?: number): Promise<JobStatus> =>
  statusWhere({ launcher, handle }, isEnded, patienceMs);

/** Every line of a job's output, until its end. */
export async function allLines(launcher: Launcher, handle: JobHandle): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of launcher.logs(handle, never())) lines.push(line);
  return lines;
}

/** Lines of the contract's jobs; a launcher may put its own around them. */
const ours = (lines: readonly string[], wanted: readonly string[]): string[] =>
  lines.filter((line) => wanted.includes(line));

/** Files below a folder with their text, by path. */
function textsBelow(folder: string, prefix = ""): Record<string, string> {
  const found: Record<string, string> = {};
  for (const name of readdirSync(join(folder, prefix)).sort()) {
    const path = prefix === "" ? name : `${prefix}/${name}`;
    if (lstatSync(join(folder, path)).isDirectory()) Object.assign(found, textsBelow(folder, path));
    else found[path] = readFileSync(join(folder, path), "utf8");
  }
  return found;
}

/**
 * Runs the suite on a launcher. One bench serves the whole suite; each test uses names of its own.
 *
 * @param open makes the bench, once
 * @param traits where this launcher differs from the usual
 */
export function launcherContract(
  title: string,
  open: () => Promise<LauncherBench>,
  traits: Partial<LauncherTraits> = {},
): void {
  const { canTimeOut, tellsExitCode, tellsTimes, patienceMs } = { ...USUAL, ...traits };
  let bench: LauncherBench;
  let launcher: Launcher;
  let target: string;
  beforeAll(async () => {
    bench = await open();
    launcher = bench.launcher;
  });
  afterAll(async () => {
    await launcher?.close();
    await bench?.close();
  });
  beforeEach(() => {
    target = mkdtempSync(join(tmpdir(), "grappa-fetched-"));
  });
  afterEach(() => rmSync(target, { recursive: true, force: true }));

  const submit = (name: string, unusual: Partial<JobBehaviour>, more: Partial<JobSpec> = {}): Promise<JobHandle> =>
    launcher.submit({ ...bench.spec(name, behaviour(unusual)), ...more }, never());
  const usage = { name: "AppError", code: "usage" };

  describe(`contract: ${title}`, () => {
    test("a job runs to its end, says so, and its lines come in order", async () => {
      const prints = ["one", "two", "three"];
      const began = Date.now();
      const handle = await submit("runs", { prints, writes: { "final/a.txt": "alpha", "events.jsonl": "{}\n" } });
      expect(handle).toMatchObject({ launcher: launcher.type, name: "runs" });
      expect(JSON.parse(JSON.stringify(handle))).toEqual(handle);
      expect(ours(await allLines(launcher, handle), prints)).toEqual(prints);
      const end = await endOf(launcher, handle, patienceMs);
      expect(end.state).toBe("succeeded");
      expect(end.detail).not.toMatch(/\n/);
      if (tellsExitCode) expect(end.exitCode).toBe(0);
      if (!tellsTimes) return;
      // A second either way: some launchers tell whole seconds.
      expect(end.startedAt).toBeGreaterThan(began - 1001);
      expect(end.endedAt).toBeGreaterThanOrEqual(end.startedAt ?? Number.POSITIVE_INFINITY);
      expect(end.endedAt).toBeLessThan(Date.now() + 1001);
    });

    test("files and folders of GRAPPA_OUT are fetched, what is not there is false, and a second fetch replaces the first", async () => {
      const writes = { "final/a.txt": "alpha", "final/deep/b.txt": "beta ß", "events.jsonl": "{}\n" };
      const handle = await submit("fetches", { writes });
      await endOf(launcher, handle, patienceMs);
      expect(await launcher.fetch(handle, "events.jsonl", join(target, "new/events.jsonl"), never())).toBe(true);
      expect(readFileSync(join(target, "new/events.jsonl"), "utf8")).toBe("{}\n");
      for (const _ of [1, 2]) expect(await launcher.fetch(handle, "final", join(target, "final"), never())).toBe(true);
      expect(textsBelow(join(target, "final"))).toEqual({ "a.txt": "alpha", "deep/b.txt": "beta ß" });
      expect(await launcher.fetch(handle, "final/none", join(target, "none"), never())).toBe(false);
      expect(await launcher.fetch(handle, "none/at/all", join(target, "none"), never())).toBe(false);
      expect(Object.keys(textsBelow(target))).toEqual(["final/a.txt", "final/deep/b.txt", "new/events.jsonl"]);
    });

    test("a path that leads out of GRAPPA_OUT is refused", async () => {
      const handle = await submit("escapes", { writes: { "a.txt": "a" } });
      await endOf(launcher, handle, patienceMs);
      const paths = ["../job.json", "a/../../job.json", "/etc/hostname", "", ".", "a//b", "..\\job.json", "a\nb"];
      for (const path of paths)
        await expect(
          launcher.fetch(handle, path, join(target, "x"), never()),
          JSON.stringify(path),
        ).rejects.toMatchObject(usage);
      expect(readdirSync(target)).toEqual([]);
    });

    test("a job that fails says so, with its exit code", async () => {
      const handle = await submit("fails", { prints: ["so far"], exitCode: 3 });
      const end = await endOf(launcher, handle, patienceMs);
      expect(end.state).toBe("failed");
      if (tellsExitCode) expect(end.exitCode).toBe(3);
      expect(ours(await allLines(launcher, handle), ["so far"])).toContain("so far");
    });

    test("a job is found by its name from elsewhere while it runs, and followed from its first line to its end", async () => {
      expect(await launcher.find("found", never())).toBeUndefined();
      const handle = await submit("found", { prints: ["before"], holds: true });
      const other = await bench.reopen();
      expect(await other.find("found", never())).toEqual(handle);
      await statusWhere({ launcher: other, handle }, ({ state }) => state === "running", patienceMs);
      const lines: string[] = [];
      for await (const line of other.logs(handle, never())) {
        lines.push(line);
        if (line === "before") await bench.release("found");
      }
      expect(ours(lines, ["before", "released"])).toEqual(["before", "released"]);
      expect((await endOf(other, handle, patienceMs)).state).toBe("succeeded");
      await other.close();
    });

    test("a job that stands is not started again: neither while it runs nor when it has succeeded", async () => {
      const unusual = { prints: ["once"], holds: true };
      const handle = await submit("stands", unusual);
      expect(await submit("stands", unusual)).toEqual(handle);
      await bench.release("stands");
      await endOf(launcher, handle, patienceMs);
      expect(await submit("stands", unusual)).toEqual(handle);
      expect(ours(await allLines(launcher, handle), ["once"])).toEqual(["once"]);
    });

    test("a job that ended well is started again where that is asked for, and goes on in the same GRAPPA_OUT", async () => {
      const first = await submit("more", { writes: { "checkpoint.txt": "first" } });
      expect((await endOf(launcher, first, patienceMs)).state).toBe("succeeded");
      const spec = { ...bench.spec("more", behaviour({ writes: { "final.txt": "second" } })), again: true };
      const second = await launcher.submit(spec, never());
      expect(second).not.toEqual(first);
      expect((await endOf(launcher, second, patienceMs)).state).toBe("succeeded");
      expect(await launcher.fetch(second, "checkpoint.txt", join(target, "checkpoint.txt"), never())).toBe(true);
      expect(readFileSync(join(target, "checkpoint.txt"), "utf8")).toBe("first");
    });

    test("a job that failed is started again by its name, and goes on in the same GRAPPA_OUT", async () => {
      const first = await submit("again", { writes: { "checkpoint.txt": "first" }, exitCode: 1 });
      expect((await endOf(launcher, first, patienceMs)).state).toBe("failed");
      const second = await submit("again", { prints: ["second"], writes: { "final.txt": "second" } });
      expect(second).not.toEqual(first);
      expect((await endOf(launcher, second, patienceMs)).state).toBe("succeeded");
      expect(await launcher.find("again", never())).toEqual(second);
      expect(await launcher.fetch(second, "checkpoint.txt", join(target, "checkpoint.txt"), never())).toBe(true);
      expect(readFileSync(join(target, "checkpoint.txt"), "utf8")).toBe("first");
    });

    test("a cancelled job ends as cancelled, its lines end too, and cancelling it once more is no error", async () => {
      const handle = await submit("cancels", { prints: ["held"], holds: true });
      const lines: string[] = [];
      for await (const line of launcher.logs(handle, never())) {
        lines.push(line);
        if (line === "held") await launcher.cancel(handle, never());
      }
      expect(lines).toContain("held");
      expect(lines).not.toContain("released");
      expect((await endOf(launcher, handle, patienceMs)).state).toBe("cancelled");
      await launcher.cancel(handle, never());
      expect((await launcher.status(handle, never())).state).toBe("cancelled");
    });

    test("cancelling a job that has ended leaves it as it is", async () => {
      const handle = await submit("ended", {});
      await endOf(launcher, handle, patienceMs);
      await launcher.cancel(handle, never());
      expect((await launcher.status(handle, never())).state).toBe("succeeded");
    });

    test.runIf(canTimeOut)("a job past its time is killed, and says so", async () => {
      const handle = await submit("late", { prints: ["held"], holds: true }, { timeoutSeconds: 1 });
      expect((await endOf(launcher, handle, 2 * patienceMs)).state).toBe("timed-out");
    });

    test("the job's variables reach it, whatever stands in them, and no handle or status", async () => {
      const value = "s3cret $HOME `id` \"quoted\" 'single' \\ %n";
      const handle = await submit(
        "variables",
        { echoes: ["GRAPPA_TEST_KEY"] },
        { environment: { GRAPPA_TEST_KEY: value } },
      );
      const end = await endOf(launcher, handle, patienceMs);
      expect(ours(await allLines(launcher, handle), [`GRAPPA_TEST_KEY=${value}`])).toHaveLength(1);
      expect(JSON.stringify([handle, end])).not.toContain("s3cret");
    });

    test("logs end by the signal, quietly or as interrupted, while the job goes on", async () => {
      const handle = await submit("watched", { prints: ["held"], holds: true });
      const stop = new AbortController();
      const read = async (): Promise<void> => {
        for await (const line of launcher.logs(handle, stop.signal)) if (line === "held") stop.abort();
      };
      await read().catch((error: unknown) => expect(error).toMatchObject({ name: "AppError", code: "interrupted" }));
      expect((await launcher.status(handle, never())).state).toBe("running");
      await bench.release("watched");
      expect((await endOf(launcher, handle, patienceMs)).state).toBe("succeeded");
    });

    test("names that could lead elsewhere are refused", async () => {
      for (const name of ["", "../up", "a b", "a;b", "-rf", "a/b", "x".repeat(41)]) {
        const spec = { ...bench.spec("refused", behaviour({})), name };
        await expect(launcher.submit(spec, never()), name).rejects.toMatchObject(usage);
        await expect(launcher.find(name, never()), name).rejects.toMatchObject(usage);
      }
    });

    test("a bundle with a path that leads elsewhere is refused before anything is started", async () => {
      const spec = bench.spec("bundle", behaviour({}));
      for (const path of ["../evil.py", "/tmp/evil.py", "a/../../evil.py"]) {
        const files = [...spec.files, { path, bytes: new Uint8Array([1]) }];
        await expect(launcher.submit({ ...spec, files }, never()), path).rejects.toMatchObject(usage);
      }
      expect(await launcher.find("bundle", never())).toBeUndefined();
    });

    test("a signal that is aborted already starts nothing", async () => {
      const signal = AbortSignal.abort();
      await expect(launcher.submit(bench.spec("aborted", behaviour({})), signal)).rejects.toMatchObject({
        name: "AppError",
        code: "interrupted",
      });
      expect(await launcher.find("aborted", never())).toBeUndefined();
    });
  });
}

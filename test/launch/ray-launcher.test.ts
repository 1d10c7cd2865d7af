/** @file What Ray's Jobs API refuses or does badly, and what the launcher does about each. */
import { createHash, randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import type { JobHandle } from "../../src/adapters/launchers/launcher.ts";
import type { FakeRayJob } from "./fake-ray-job.ts";
import { allLines, behaviour, endOf, statusWhere } from "./launcher-contract.ts";
import { openRayBench, type RayBench, type RayBenchOptions, raySpec, TOKEN_ENV } from "./ray-bench.ts";

const TOKEN = "the-token-of-this-cluster-0123456789";
const never = (): AbortSignal => new AbortController().signal;
const by = (args: readonly string[]): { readonly args: readonly string[] } => ({ args });

let storage: string;
const opened: RayBench[] = [];

beforeEach(() => {
  storage = mkdtempSync(join(tmpdir(), "grappa-ray-"));
});
afterEach(async () => {
  for (const bench of opened.splice(0)) {
    await bench.launcher.close();
    await bench.close();
  }
  rmSync(storage, { recursive: true, force: true });
});

async function open(options: Omit<RayBenchOptions, "storage"> = {}): Promise<RayBench> {
  const bench = await openRayBench({ storage, ...options });
  opened.push(bench);
  return bench;
}

/** A running job that does what the test says. */
async function running(bench: RayBench, name = "job"): Promise<{ handle: JobHandle; job: FakeRayJob }> {
  const handle = await bench.launcher.submit(raySpec(name, behaviour({}), by([])), never());
  await statusWhere({ launcher: bench.launcher, handle }, ({ state }) => state === "running");
  return { handle, job: bench.fake.jobs.get(handle.id) as FakeRayJob };
}

/** What the launcher told the driver of a job. */
const toldTo = (job: FakeRayJob | undefined): Record<string, unknown> =>
  JSON.parse(String(job?.submission.runtime_env.env_vars["GRAPPA_RAY"])) as Record<string, unknown>;

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describe("the fake refuses what Ray refuses", () => {
  test("whatever Node's fetch sends to change something, for it cannot leave out sec-fetch-mode", async () => {
    const { fake } = await open();
    const answer = await fetch(`${fake.address}/api/jobs/`, { method: "POST", body: "{}" });
    expect([answer.status, await answer.text()]).toEqual([405, "'POST' method not allowed for browser traffic."]);
  });

  test("a submission without the slash, and a package of more than 100 MiB", async () => {
    const { launcher, fake } = await open({ fake: { maxPackageBytes: 100 } });
    await expect(launcher.submit(raySpec("large"), never())).rejects.toMatchObject({
      code: "provider-permanent",
      message: expect.stringContaining("Maximum request body size 100 exceeded"),
    });
    const { request } = await import("undici");
    const bare = await request(`${fake.address}/api/jobs`, { method: "POST", body: "{}" });
    expect([bare.statusCode, await bare.body.text()]).toEqual([404, "404: Not Found"]);
  });

  test("a socket with compression: it closes with 1000 and says nothing", async () => {
    const bench = await open();
    const { job } = await running(bench);
    job.print("a line");
    const socket = new WebSocket(`${bench.fake.address.replace("http", "ws")}/api/jobs/job/logs/tail`);
    let frames = 0;
    socket.on("message", () => (frames += 1));
    expect(await new Promise((resolve) => socket.on("close", resolve))).toBe(1000);
    expect(frames).toBe(0);
  });
});

describe("packages", () => {
  test("the files are at the root of a zip that is named by its content, with the driver, and sent once", async () => {
    const { launcher, fake } = await open();
    await endOf(launcher, await launcher.submit(raySpec("first"), never()));
    await endOf(launcher, await launcher.submit(raySpec("second"), never()));
    expect(Object.keys(fake.filesOf("first"))).toEqual(["code/train.py", "ray_train.py"]);
    expect(Buffer.from(fake.filesOf("first")["code/train.py"] as Uint8Array).toString()).toBe("print('hello')\n");
    expect(fake.seen.filter(({ method }) => method === "PUT")).toHaveLength(1);
    const [[name, bytes] = ["", new Uint8Array()], ...others] = fake.packages;
    expect(others).toEqual([]);
    expect(name).toBe(`_ray_pkg_${createHash("sha256").update(bytes).digest("hex").slice(0, 40)}.zip`);
  });

  test("files too large for a package go by the storage, and are not copied twice", async () => {
    const { launcher, fake, told } = await open({ fake: { maxPackageBytes: 32 * 1024 * 1024 } });
    const base = join(storage, "base.bin");
    writeFileSync(base, randomBytes(33 * 1024 * 1024));
    const spec = raySpec("large", behaviour({ exitCode: 1 }));
    const large = { ...spec, files: [...spec.files, { path: "base/weights.bin", from: base }] };
    await endOf(launcher, await launcher.submit(large, never()));
    const files = join(storage, "grappa/large.files");
    expect(toldTo(fake.jobs.get("large"))).toMatchObject({ files, program: "code/train.py" });
    expect(Object.keys(fake.filesOf("large"))).toEqual(["ray_train.py"]);
    expect(readFileSync(join(files, "code/train.py"), "utf8")).toBe("print('hello')\n");
    expect(readFileSync(join(files, "base/weights.bin")).equals(readFileSync(base))).toBe(true);
    const { ino } = statSync(join(files, "base/weights.bin"));
    await endOf(launcher, await launcher.submit(large, never()));
    expect(statSync(join(files, "base/weights.bin")).ino).toBe(ino);
    expect(told).toContain("copying the job's files to the cluster's storage");
  });
});

describe("what is submitted", () => {
  test("the driver is told of workers and folders, and the cluster not to fold lines", async () => {
    const { launcher, fake } = await open({ fields: { workers: 4, maxFailures: 7, cpusPerWorker: 2 } });
    const more = { timeoutSeconds: 60, environment: { HF_HUB_OFFLINE: "1" }, args: ["config.json"] };
    const handle = await launcher.submit(raySpec("told", behaviour({}), { ...more, args: [] }), never());
    const { submission } = fake.jobs.get("told") as FakeRayJob;
    const out = join(storage, "grappa/told");
    expect(handle.folder).toBe(out);
    expect(submission).toMatchObject({ entrypoint: "exec python3 ray_train.py", submission_id: "told" });
    expect(submission).not.toHaveProperty("entrypoint_num_gpus");
    expect(submission.runtime_env).not.toHaveProperty("pip");
    const variables = submission.runtime_env.env_vars;
    expect(variables).toMatchObject({ GRAPPA_OUT: out, RAY_DEDUP_LOGS: "0", HF_HUB_OFFLINE: "1" });
    expect(toldTo(fake.jobs.get("told"))).toEqual({
      program: "code/train.py",
      args: [],
      isDistributed: true,
      timeoutSeconds: 60,
      workers: 4,
      gpusPerWorker: 0,
      cpusPerWorker: 2,
      maxFailures: 7,
      files: null,
      control: `${out}.ray`,
      mark: readFileSync(`${out}.ray/mark`, "utf8"),
    });
  });

  test("a program that is not distributed asks for the GPUs that one node can have", async () => {
    const { launcher, fake } = await open({ fields: { workers: 16, gpusPerWorker: 1 }, fake: { gpus: [0, 8, 4] } });
    await launcher.submit(raySpec("once", behaviour({}), { isDistributed: false }), never());
    expect(fake.jobs.get("once")?.submission.entrypoint_num_gpus).toBe(8);
    expect(launcher.gpus).toBe(16);
    expect(await launcher.gpusOnce(never())).toBe(8);
    expect(await launcher.place()).toBe(`${fake.address}, storage ${storage}`);
  });

  test("installs lets Ray install the requirements", async () => {
    const { launcher, fake } = await open({ fields: { installs: true } });
    await launcher.submit(raySpec("pip"), never());
    const packages = ["torch==2.13.0", "trl==1.13.0"];
    expect(fake.jobs.get("pip")?.submission.runtime_env.pip).toEqual({ packages, pip_check: false });
    const files = [{ path: "requirements.txt", bytes: Buffer.from("peft==0.20.0\n") }];
    await launcher.submit(raySpec("file", behaviour({}), { files, requirements: "requirements.txt" }), never());
    expect(fake.jobs.get("file")?.submission.runtime_env.pip).toMatchObject({ packages: ["peft==0.20.0"] });
  });

  test("a storage that the trainer or this machine cannot use is refused before anything is sent", async () => {
    for (const [where, hint] of [
      ["s3://bucket/grappa", /mount the bucket/],
      ["shared/grappa", /path at which all nodes/],
      ["/nowhere/at/all", /sshfs/],
    ] as const) {
      const { launcher, fake } = await open({ fields: { storage: where } });
      await expect(launcher.submit(raySpec("stored"), never())).rejects.toMatchObject({
        code: "usage",
        message: expect.stringContaining(where),
        hint: expect.stringMatching(hint),
      });
      expect(fake.seen).toEqual([]);
    }
  });
});

describe("ids", () => {
  test("no id is sent twice: each try of a name has its own, and the last is found", async () => {
    const { launcher, fake } = await open();
    const fails = raySpec("again", behaviour({ exitCode: 1 }));
    for (const id of ["again", "again_2", "again_3"]) {
      const handle = await launcher.submit(fails, never());
      expect(handle.id).toBe(id);
      await endOf(launcher, handle);
      expect(await launcher.find("again", never())).toEqual(handle);
    }
    expect(
      new Set([...fake.jobs.values()].map(({ submission }) => submission.runtime_env.env_vars["GRAPPA_OUT"])).size,
    ).toBe(1);
  });

  test("a job of the same name with another storage is another's", async () => {
    const { launcher, fake } = await open();
    const theirs = await openRayBench({
      storage: mkdtempSync(join(storage, "theirs-")),
      fields: { address: fake.address },
    });
    opened.push(theirs);
    const first = await theirs.launcher.submit(raySpec("shared"), never());
    expect(await launcher.find("shared", never())).toBeUndefined();
    const second = await launcher.submit(raySpec("shared"), never());
    expect([first.id, second.id]).toEqual(["shared", "shared_2"]);
    expect(await launcher.find("shared", never())).toEqual(second);
    expect(await theirs.launcher.find("shared", never())).toEqual(first);
  });

  test("where only the answer was lost, or another was quicker, the job is taken as it stands", async () => {
    const { launcher, fake } = await open();
    const match = /^POST \/api\/jobs\/$/;
    fake.faults.push({ match, answer: null, isDone: true });
    expect((await launcher.submit(raySpec("lost"), never())).id).toBe("lost");
    fake.faults.push({ match, answer: [400, "ValueError: Job with submission_id x already exists."], isDone: true });
    expect((await launcher.submit(raySpec("raced"), never())).id).toBe("raced");
    expect(fake.jobs.size).toBe(2);
  });

  test("where the submission itself failed, it may be sent again, and the error holds no secret of the job", async () => {
    const { launcher, fake } = await open();
    const key = "hf_0123456789abcdefghij";
    const traceback = `Traceback (most recent call last):\n  File "x.py"\nRuntimeError: no agent for {"HF_TOKEN": "${key}"}`;
    fake.faults.push({ match: /^POST/, answer: [500, traceback] });
    const failure: unknown = await launcher
      .submit(raySpec("down", behaviour({}), { environment: { HF_TOKEN: key } }), never())
      .catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: "provider", isRetryable: true });
    expect(String(failure)).toContain('RuntimeError: no agent for {"HF_TOKEN": "[key]"}');
    expect(fake.jobs.size).toBe(0);
  });
});

describe("status", () => {
  test("each of Ray's states, with milliseconds as they are", async () => {
    const bench = await open({ fields: { gpusPerWorker: 1 } });
    const { launcher } = bench;
    const { handle, job } = await running(bench);
    job.startTime = 1_795_981_228_958;
    const running1 = { state: "running", startedAt: 1_795_981_228_958, endedAt: null, exitCode: null, gpus: null };
    expect(await launcher.status(handle, never())).toMatchObject(running1);
    job.end("FAILED", 1);
    job.endTime = 1_795_981_271_746;
    const ended = { endedAt: 1_795_981_271_746, gpus: null, detail: "Job ended: FAILED. Last lines follow." };
    const states = [
      ["PENDING", null, "queued"],
      ["SUCCEEDED", 0, "succeeded"],
      ["FAILED", 1, "failed"],
      ["FAILED", null, "failed"],
      ["FAILED", 124, "timed-out"],
      ["STOPPED", -15, "cancelled"],
    ] as const;
    for (const [status, exitCode, state] of states) {
      Object.assign(job, { status, exitCode });
      expect(await launcher.status(handle, never())).toMatchObject({ ...ended, exitCode, state });
    }
  });

  test("an answer of 500 now and then is asked again; one that stays is told as it is", async () => {
    const bench = await open();
    const { handle } = await running(bench);
    const fault = { match: /^GET \/api\/jobs\/job$/, answer: [500, "Traceback ...\nTimeout"] as const };
    bench.fake.faults.push(fault, fault);
    expect(await bench.launcher.status(handle, never())).toMatchObject({ state: "running" });
    bench.fake.faults.push(fault, fault, fault);
    await expect(bench.launcher.status(handle, never())).rejects.toMatchObject({ code: "provider", isRetryable: true });
  });

  test("what is no Ray dashboard is told", async () => {
    const { launcher, fake } = await open();
    fake.faults.push({ match: /^GET/, answer: [200, "<html>Please log in</html>"] });
    await expect(launcher.find("job", never())).rejects.toMatchObject({
      code: "provider-permanent",
      hint: expect.stringContaining("no page to log in"),
    });
    fake.faults.push({ match: /^GET/, answer: [200, "x".repeat(5 * 1024 * 1024)] });
    await expect(launcher.find("job", never())).rejects.toMatchObject({ code: "limit-exceeded" });
  });

  test("a job that was asked to stop has not stopped yet", async () => {
    const bench = await open();
    const { handle, job } = await running(bench);
    bench.fake.stopMs = 200;
    await bench.launcher.cancel(handle, never());
    expect(job.status).toBe("STOPPED");
    const slow = await running(bench, "slow");
    bench.fake.stopMs = 10_000;
    await expect(bench.launcher.cancel(slow.handle, never())).rejects.toMatchObject({
      code: "provider",
      isRetryable: true,
      message: expect.stringContaining("still is RUNNING"),
    });
  });
});

describe("logs", () => {
  test("the socket is opened without compression, and gives the lines by itself", async () => {
    const bench = await open({ fake: { token: TOKEN } });
    const { handle, job } = await running(bench);
    const lines = bench.launcher.logs(handle, never());
    job.print("one");
    expect((await lines.next()).value).toBe("one");
    expect(bench.fake.handshakes).toEqual([{ extensions: "", authorization: `Bearer ${TOKEN}` }]);
    expect(bench.fake.seen.filter(({ path }) => path.endsWith("/logs"))).toEqual([]);
    await lines.return(undefined);
  });

  test("a socket that closes with 1000 is not the job's end, and no line comes twice", async () => {
    const bench = await open();
    bench.fake.linesOfSocket = 3;
    const { handle, job } = await running(bench);
    const wanted = Array.from({ length: 20 }, (_, at) => `line ${at}`);
    const lines = allLines(bench.launcher, handle);
    for (const line of wanted) {
      job.print(line);
      await sleep(5);
    }
    job.end("SUCCEEDED", 0);
    expect(await lines).toEqual(wanted);
    expect(bench.fake.sockets).toBeGreaterThan(1);
  });

  test("where no socket comes through, the whole log is asked for and told once", async () => {
    const bench = await open();
    bench.fake.refusesSockets = true;
    const { handle, job } = await running(bench);
    const lines = bench.launcher.logs(handle, never());
    job.print("one", "two");
    expect([(await lines.next()).value, (await lines.next()).value]).toEqual(["one", "two"]);
    job.print("three");
    job.log += "four, without an end";
    job.end("SUCCEEDED", 0);
    expect([(await lines.next()).value, (await lines.next()).value]).toEqual(["three", "four, without an end"]);
    expect((await lines.next()).done).toBe(true);
  });

  test("lines of workers come without colours and with all that is said twice; no line is endless", async () => {
    const bench = await open();
    const { handle, job } = await running(bench);
    const event = '@@grappa {"type":"step","step":1}';
    job.printAsWorker(event);
    job.print(`\x1b]0;title\x07${"x".repeat(2 * 1024 * 1024)}`);
    job.end("SUCCEEDED", 0);
    const lines = await allLines(bench.launcher, handle);
    expect(lines.slice(0, 2)).toEqual(Array(2).fill(`(RayTrainWorker pid=4711, ip=10.0.0.7) ${event}`));
    expect(lines[2]?.startsWith("]0;titlexxx")).toBe(true);
    expect(lines[2]?.length).toBeLessThanOrEqual(1024 * 1024);
  });

  test("a dashboard that comes back is taken up again where the log was", async () => {
    const bench = await open();
    const { handle, job } = await running(bench);
    const lines = bench.launcher.logs(handle, never());
    job.print("before");
    expect((await lines.next()).value).toBe("before");
    await bench.fake.stop();
    job.print("between");
    const next = lines.next();
    await sleep(200);
    await bench.fake.start();
    expect((await next).value).toBe("between");
    job.end("FAILED", 1);
    expect((await lines.next()).done).toBe(true);
  });
});

describe("a head that dies", () => {
  test("is told as something that may pass, by the status at once and by the log when it stays away", async () => {
    const bench = await open();
    const { handle } = await running(bench);
    const away = { code: "provider", isRetryable: true, message: expect.stringContaining("did not answer") };
    const lines = expect(allLines(bench.launcher, handle)).rejects.toMatchObject(away);
    await bench.fake.stop();
    await expect(bench.launcher.status(handle, never())).rejects.toMatchObject(away);
    await lines;
  });

  test("has forgotten the job when it is back: nothing is found, and the job is submitted anew into the same folder", async () => {
    const bench = await open();
    const { launcher, fake } = bench;
    const { handle } = await running(bench);
    writeFileSync(join(String(handle.folder), "checkpoint"), "step 3");
    const forgotten = { code: "provider", isRetryable: true, data: { isUnknownJob: true } };
    const lines = expect(allLines(launcher, handle)).rejects.toMatchObject(forgotten);
    await fake.restart();
    await expect(launcher.status(handle, never())).rejects.toMatchObject(forgotten);
    await lines;
    expect(await launcher.find("job", never())).toBeUndefined();
    const again = await launcher.submit(raySpec("job"), never());
    expect(again.id).toBe("job");
    await endOf(launcher, again);
    expect(await launcher.fetch(again, "checkpoint", join(storage, "got"), never())).toBe(true);
    expect(readFileSync(join(storage, "got"), "utf8")).toBe("step 3");
  });
});

describe("tokens", () => {
  test("a cluster that wants one, and a recipe that names none", async () => {
    const { launcher } = await open({ fake: { token: TOKEN }, token: undefined });
    await expect(launcher.find("job", never())).rejects.toMatchObject({
      code: "usage",
      message: expect.stringContaining("Unauthorized: Missing authentication token"),
      hint: expect.stringContaining("tokenEnv"),
    });
  });

  test("a variable that is not set, and a token that is not the cluster's; no error shows it", async () => {
    const unset = await open({ fake: { token: TOKEN }, token: undefined, fields: { tokenEnv: TOKEN_ENV } });
    const missing = { code: "usage", message: expect.stringContaining(`${TOKEN_ENV} is not set`) };
    await expect(unset.launcher.find("job", never())).rejects.toMatchObject(missing);
    const wrong = await open({ fake: { token: TOKEN }, token: "another-token-0123456789" });
    const failure: unknown = await wrong.launcher.find("job", never()).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: "provider-permanent", hint: `check the token in ${TOKEN_ENV}` });
    expect(JSON.stringify([failure, String(failure)])).not.toContain("another-token");
  });

  test("a job that shows it is not shown", async () => {
    const bench = await open({ fake: { token: TOKEN } });
    const { handle, job } = await running(bench);
    job.print(`token: ${TOKEN}`);
    job.end("FAILED", 1);
    job.message = `failed with ${TOKEN}`;
    expect(await allLines(bench.launcher, handle)).toEqual(["token: [key]"]);
    expect((await bench.launcher.status(handle, never())).detail).toBe("failed with [key]");
    expect(JSON.stringify(job.submission)).not.toContain(TOKEN);
  });
});

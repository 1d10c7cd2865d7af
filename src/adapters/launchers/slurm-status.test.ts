import { expect, test } from "vitest";
import { slurmStatus } from "./slurm-status.ts";

const NONE = { startedAt: null, end: null, isCancelled: false, isTimedOut: false };
const JOB = { id: "7", jobName: "grappa-x-1" };
const line = (state: string, more = ""): string => `JobId=7 JobName=grappa-x-1 UserId=me(1) JobState=${state} ${more}`;

test.each([
  ["PENDING", "queued"],
  ["CONFIGURING", "queued"],
  ["REQUEUE_HOLD", "queued"],
  ["RUNNING", "running"],
  ["COMPLETING", "running"],
  ["SUSPENDED", "running"],
  ["COMPLETED", "succeeded"],
  ["FAILED", "failed"],
  ["NODE_FAIL", "failed"],
  ["OUT_OF_MEMORY", "failed"],
  ["BOOT_FAIL", "failed"],
  ["PREEMPTED", "failed"],
  ["CANCELLED", "cancelled"],
  ["TIMEOUT", "timed-out"],
  ["DEADLINE", "timed-out"],
  ["SOMETHING_NEW", "running"], // a state of tomorrow must not end a watch
])("Slurm's %s is %s", (word, state) => {
  const status = slurmStatus(line(word, "Reason=Priority ExitCode=0:0"), NONE, JOB);
  expect(status.state).toBe(state);
  expect(status.detail).toContain(word);
});

test("times and exit codes come from the job's own records, else from Slurm", () => {
  const slurm = "ExitCode=3:0 StartTime=1795980000 EndTime=1795980100 NodeList=n[1-2]";
  expect(slurmStatus(line("FAILED", slurm), NONE, JOB)).toEqual({
    state: "failed",
    detail: "Slurm's job 7 is FAILED on n[1-2], exit code 3",
    startedAt: 1_795_980_000_000,
    endedAt: 1_795_980_100_000,
    exitCode: 3,
    gpus: null,
  });
  const records = { ...NONE, startedAt: 1_795_980_005, end: { exitCode: 3, endedAt: 1_795_980_090 } };
  expect(slurmStatus(line("FAILED", slurm), records, JOB)).toMatchObject({
    startedAt: 1_795_980_005_000,
    endedAt: 1_795_980_090_000,
  });
});

test("times in another format are unknown, not wrong: they would be of the cluster's time zone", () => {
  const slurm = "ExitCode=0:0 StartTime=2026-11-29T19:00:00 EndTime=Unknown";
  expect(slurmStatus(line("RUNNING", slurm), NONE, JOB)).toMatchObject({ startedAt: null, endedAt: null });
});

test("a job that waits says why", () => {
  expect(slurmStatus(line("PENDING", "Reason=Resources NodeList=(null)"), NONE, JOB).detail).toBe(
    "Slurm's job 7 is PENDING (Resources)",
  );
});

test("a job that a signal killed has no exit code of its own", () => {
  expect(slurmStatus(line("FAILED", "ExitCode=0:9"), NONE, JOB).exitCode).toBeNull();
});

test("time that was up by our clock is told as that, though Slurm calls it a failure or a success", () => {
  for (const word of ["FAILED", "COMPLETED"])
    expect(slurmStatus(line(word), { ...NONE, isTimedOut: true }, JOB).state).toBe("timed-out");
  expect(slurmStatus(line("RUNNING"), { ...NONE, isTimedOut: true }, JOB).state).toBe("running");
});

test("a job that Slurm has forgotten is what it wrote down itself", () => {
  const end = { exitCode: 0, endedAt: 20 };
  const gone = (records: Partial<typeof NONE>): string =>
    slurmStatus("", { ...NONE, ...records } as typeof NONE, JOB).state;
  expect(gone({ end } as never)).toBe("succeeded");
  expect(gone({ end: { exitCode: 1, endedAt: 20 } } as never)).toBe("failed");
  expect(gone({ isCancelled: true })).toBe("cancelled");
  expect(gone({ isTimedOut: true })).toBe("timed-out");
  expect(gone({})).toBe("failed");
});

test("a number that went to another job since is not ours", () => {
  const other = line("RUNNING").replace("JobName=grappa-x-1", "JobName=somebody-else");
  expect(slurmStatus(other, NONE, JOB)).toMatchObject({
    state: "failed",
    detail: expect.stringContaining("no longer knows"),
  });
});

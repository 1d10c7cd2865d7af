// Stands in for Slurm's commands in tests: node fake-slurm.mjs COMMAND ARGS..., its state in the folder FAKE_SLURM.
// It keeps to what bites: only exported variables reach a job, options are checked, times come in the format asked for.
import { spawn } from "node:child_process";
import { appendFileSync, existsSync, openSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const { env } = process;
const state = env.FAKE_SLURM;
const [command, ...args] = process.argv.slice(2);
const jobFile = (id) => join(state, `job-${id}.json`);
const read = (id) => JSON.parse(readFileSync(jobFile(id), "utf8"));
const write = (path, text) => {
  writeFileSync(`${path}.${process.pid}`, text);
  renameSync(`${path}.${process.pid}`, path);
};
const update = (id, change) => {
  const job = { ...read(id), ...change };
  write(jobFile(id), JSON.stringify(job));
  publish(job);
};
const stepsOf = (id) =>
  existsSync(join(state, `steps-${id}`))
    ? readFileSync(join(state, `steps-${id}`), "utf8")
        .split("\n")
        .map(Number)
    : [];
const seconds = () => Math.floor(Date.now() / 1000);
const fail = (text) => {
  console.error(text);
  process.exit(1);
};
const option = (name) => args.find((arg) => arg.startsWith(`--${name}=`))?.slice(name.length + 3);
const signalQuietly = (pid, signal) => {
  try {
    process.kill(pid, signal);
  } catch {
    return;
  }
};

appendFileSync(join(state, "calls"), `${JSON.stringify([command, ...args])}\n`);
if (existsSync(join(state, "down")) && command !== "run" && command !== "srun")
  fail(`${command}: error: Unable to contact slurm controller (connect failure)`);
const commands = { sbatch, scontrol, scancel, srun, run };
await commands[command]();

function sbatch() {
  const script = args.at(-1);
  if (!readFileSync(script, "utf8").startsWith("#!")) fail("sbatch: error: This does not look like a batch script.");
  if (option("partition") === "none") fail("sbatch: error: invalid partition specified: none");
  const ids = readdirSync(state).flatMap((name) => /^job-(\d+)\.json$/.exec(name)?.[1] ?? []);
  const id = Math.max(100, ...ids.map(Number)) + 1;
  const exported = (option("export") ?? "").split(",");
  const variables = Object.fromEntries(
    Object.entries(env).filter(([name]) => exported.includes(name) || name === "FAKE_SLURM"),
  );
  const job = { id, name: option("job-name"), state: "PENDING", nodes: Number(option("nodes")), script, variables };
  const output = option("output").replaceAll("%%", "\0").replaceAll("%j", String(id)).replaceAll("\0", "%");
  writeFileSync(jobFile(id), JSON.stringify({ ...job, output, restarts: 0 }));
  update(id, {});
  spawn(process.execPath, [process.argv[1], "run", String(id)], { detached: true, stdio: "ignore" }).unref();
  if (existsSync(join(state, "lose")))
    fail("sbatch: error: Batch job submission failed: Socket timed out on send/recv operation");
  console.log(option("cluster") === undefined ? String(id) : `${id};${option("cluster")}`);
}

/** Slurm's daemons, for one job. */
async function run() {
  const id = args[0];
  const job = read(id);
  if (existsSync(join(state, "hold"))) return;
  const log = openSync(job.output, "a");
  const variables = {
    ...job.variables,
    SLURM_JOB_ID: id,
    SLURM_RESTART_COUNT: String(job.restarts),
    SLURM_EXPORT_ENV: "HOME",
  };
  const child = spawn("bash", [job.script], { env: variables, detached: true, stdio: ["ignore", log, log] });
  update(id, { state: "RUNNING", startedAt: seconds(), batch: child.pid });
  const [code, signal] = await new Promise((resolve) => child.once("exit", (...end) => resolve(end)));
  const last = read(id);
  const exitCode = code === null ? `0:${signal === "SIGKILL" ? 9 : 15}` : `${code}:0`;
  if (last.state === "REQUEUED") {
    update(id, { state: "PENDING", restarts: last.restarts + 1 });
    spawn(process.execPath, [process.argv[1], "run", id], { detached: true, stdio: "ignore" }).unref();
  } else if (existsSync(join(state, `cancelled-${id}`)))
    update(id, { state: "CANCELLED", endedAt: seconds(), exitCode: "0:15" });
  else update(id, { state: code === 0 ? "COMPLETED" : "FAILED", endedAt: seconds(), exitCode });
}

/** Only `scontrol requeue` comes here: showing is done by the shell, from what `publish` wrote. */
function scontrol() {
  if (read(args[1]).state !== "RUNNING") fail(`Requested operation is presently disabled for job ${args[1]}`);
  update(args[1], { state: "REQUEUED" });
  for (const pid of stepsOf(args[1])) signalQuietly(pid, "SIGTERM");
}

/** Writes what scontrol and squeue show of a job. */
function publish(job) {
  const { id, name, state: word, startedAt = "Unknown", endedAt = "Unknown" } = job;
  const facts = {
    JobId: id,
    JobName: name,
    UserId: "me(1000)",
    JobState: word,
    Reason: word === "PENDING" ? "Resources" : "None",
    ExitCode: job.exitCode ?? "0:0",
    StartTime: startedAt,
    EndTime: endedAt,
    NodeList: job.batch ? "n[1-2]" : "(null)",
    Comment: "JobState=FAILED",
  };
  const line = Object.entries(facts)
    .map(([key, value]) => `${key}=${value}`)
    .join(" ");
  write(join(state, `line-${id}`), `${line}\n`);
  write(join(state, `queue-${id}`), ["PENDING", "RUNNING"].includes(word) ? `${id} ${name}\n` : "");
}

async function scancel() {
  const id = args.at(-1);
  const signal = option("signal");
  if (!existsSync(jobFile(id))) fail("scancel: error: Kill job error on job id: Invalid job id specified");
  const job = read(id);
  if (!["PENDING", "RUNNING"].includes(job.state))
    fail(`scancel: error: Kill job error on job id ${id}: Job/step already completing or completed`);
  if (signal === undefined) {
    if (job.state === "PENDING") return update(id, { state: "CANCELLED", endedAt: seconds() });
    write(join(state, `cancelled-${id}`), "");
  }
  for (const pid of stepsOf(id)) signalQuietly(pid, `SIG${signal ?? "TERM"}`);
}

/** Runs a command once a task; every process of a step gets the step's signals. */
async function srun() {
  const id = env.SLURM_JOB_ID;
  const tasks = Number(option("ntasks"));
  const words = args.slice(args.findIndex((arg) => !arg.startsWith("--")));
  const children = Array.from({ length: tasks }, (_, rank) =>
    spawn(words[0], words.slice(1), {
      env: {
        ...env,
        SLURM_PROCID: String(rank),
        SLURM_NODEID: String(rank),
        SLURMD_NODENAME: `n${rank + 1}`,
        SLURM_CPUS_ON_NODE: "1",
      },
      stdio: ["ignore", "inherit", "inherit"],
    }),
  );
  write(join(state, `steps-${id}`), children.map(({ pid }) => pid).join("\n"));
  const ends = children.map((child) => new Promise((resolve) => child.once("exit", (code) => resolve(code ?? 143))));
  for (const end of ends)
    void end.then(
      (code) =>
        code !== 0 && args.includes("--kill-on-bad-exit=1") && children.forEach((child) => child.kill("SIGTERM")),
    );
  const codes = await Promise.all(ends);
  await sleep(20);
  process.exitCode = Math.max(...codes);
}

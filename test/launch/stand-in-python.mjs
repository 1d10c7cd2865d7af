// Stands in for Python, pip and torch.distributed.run in tests of the launchers: node stand-in-python.mjs ARGS...
// A "program" is a JSON file that says how it behaves: see StandInProgram in stand-in.ts.
import { spawn } from "node:child_process";
import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const { env } = process;
const args = process.argv.slice(2).filter((arg) => arg !== "-u");
const after = (flag) => args[args.indexOf(flag) + 1];

if (args[0] === "-c") evaluate(args[1], args.slice(2));
else if (args[0] === "-m" && args[1] === "venv") makeVenv(args[2]);
else if (args[0] === "-m" && args[1] === "pip") await install();
else if (args[0] === "-m" && args[1] === "torch.distributed.run") await runAgent();
else await runProgram(args[0], args.slice(1));

/** The little programs that Grappa asks a Python. */
function evaluate(code, names) {
  if (code.includes("sys.version_info")) console.log(`${env.STAND_IN_VERSION ?? "3.11.7"} linux-x86_64`);
  else if (code.includes("socket")) console.log("29501");
  else if (code.includes("importlib"))
    for (const name of names) {
      const [, version] =
        (env.STAND_IN_PACKAGES ?? "")
          .split(" ")
          .map((pair) => pair.split("="))
          .find(([n]) => n === name) ?? [];
      console.log(version ?? "-");
    }
  else process.exitCode = 1;
}

function makeVenv(folder) {
  if (env.STAND_IN_VENV === "fails") {
    console.error("The virtual environment was not created successfully because ensurepip is not available.");
    process.exitCode = 1;
    return;
  }
  mkdirSync(join(folder, "bin"), { recursive: true });
  const settings = Object.entries(env).filter(([name]) => name.startsWith("STAND_IN_"));
  const text = settings.map(([name, value]) => `${name}='${value}' `).join("");
  writeFileSync(
    join(folder, "bin/python"),
    `#!/bin/sh\n${text}exec "${process.execPath}" "${process.argv[1]}" "$@"\n`,
    { mode: 0o755 },
  );
}

async function install() {
  if (env.STAND_IN_LOG) appendFileSync(env.STAND_IN_LOG, `install ${readFileSync(after("-r"), "utf8").trim()}\n`);
  console.log("Collecting torch==2.13.0");
  console.log("  Downloading torch-2.13.0-cp311-cp311-manylinux_2_28_x86_64.whl (555.1 MB)");
  await sleep(Number(env.STAND_IN_PIP_MS ?? 0));
  if (env.STAND_IN_PIP_ERROR) {
    console.error(env.STAND_IN_PIP_ERROR);
    process.exitCode = 1;
  } else console.log("Installing collected packages: torch");
}

/** PyTorch's agent: a session for each worker, all ended when one is lost, a signal handed on to them. */
async function runAgent() {
  const local = Number(after("--nproc-per-node"));
  const node = args.includes("--nnodes") ? Number(env.SLURM_PROCID) : 0;
  const size = args.includes("--nnodes") ? local * Number(after("--nnodes")) : local;
  let place = 2;
  while (args[place].startsWith("--")) place += args[place] === "--standalone" ? 1 : 2;
  const program = args.slice(place);
  if (node > 0 || size > local) console.log(`agent ${node} at ${after("--rdzv-endpoint")}, ${after("--rdzv-conf")}`);
  const workers = Array.from({ length: local }, (_, rank) => {
    const variables = { RANK: node * local + rank, LOCAL_RANK: rank, WORLD_SIZE: size };
    const child = spawn(process.execPath, [process.argv[1], ...program], {
      env: { ...env, ...Object.fromEntries(Object.entries(variables).map(([name, value]) => [name, String(value)])) },
      stdio: ["ignore", "inherit", "inherit"],
      detached: true,
    });
    return { child, ended: new Promise((resolve) => child.once("exit", (code) => resolve(code))) };
  });
  const endAll = () => {
    for (const { child } of workers) child.kill("SIGTERM");
  };
  process.on("SIGTERM", endAll);
  const codes = await Promise.all(
    workers.map(async ({ ended }) => {
      const code = await ended;
      if (code !== 0) endAll();
      return code;
    }),
  );
  if (codes.some((code) => code !== 0)) process.exitCode = 1;
}

async function runProgram(path, rest) {
  const { prints, echoes, writes, holds, exitCode, releaseFile, steps, onTerm } = JSON.parse(
    readFileSync(path, "utf8"),
  );
  const out = env.GRAPPA_OUT;
  const rank = env.RANK ?? "0";
  process.on("SIGTERM", () => {
    if (onTerm === "ignores") return;
    if (rank === "0" && onTerm === "saves") writeFileSync(join(out, "saved.txt"), "saved");
    process.exit(onTerm === "saves" ? 0 : 143);
  });
  for (const line of prints) console.log(line);
  for (const name of echoes) console.log(`${name}=${env[name]}`);
  if (rest.length > 0) console.log(`args ${JSON.stringify(rest)}`);
  if (env.RANK !== undefined) console.log(`rank ${rank} of ${env.WORLD_SIZE}`);
  for (const [name, text] of Object.entries(writes)) {
    mkdirSync(dirname(join(out, name)), { recursive: true });
    writeFileSync(join(out, name), text);
  }
  await runSteps(steps ?? 0, rank, out);
  if (holds) {
    while (!existsSync(releaseFile)) await sleep(20);
    console.log("released");
  }
  process.exit(exitCode);
}

/** A training with a checkpoint after every step; rank 0 writes, and all go on from what is there. */
async function runSteps(steps, rank, out) {
  const file = join(out, "steps.txt");
  let done = existsSync(file) ? readFileSync(file, "utf8").split("\n").filter(Boolean).length : 0;
  if (steps > 0 && rank === "0") console.log(`from step ${done}`);
  while (done < steps) {
    await sleep(100);
    done += 1;
    if (rank === "0") {
      appendFileSync(file, `${done}\n`);
      console.log(`step ${done}`);
    }
  }
}

/**
 * @file Python in a container of its own for each run, where a Docker or Podman daemon answers: no network, a read-only image, no
 * capabilities, limits on processes and memory of the whole container. The image must be there; none is ever pulled.
 */
import { randomUUID } from "node:crypto";
import type { CodeRun, CodeRunner } from "../../grade/code/code-runner.ts";
import { type ProcessCommand, runProcess } from "./bounded-process.ts";
import { fileEntries } from "./run-files.ts";
import { resultOf, sandboxError } from "./run-status.ts";
import {
  canaryFailure,
  findProgram,
  outputOf,
  type SandboxBackend,
  type SandboxHost,
  type SandboxProbe,
} from "./sandbox.ts";

/** The container backend. */
export const container: SandboxBackend = { name: "container", open };

/** Exit statuses of `docker run` itself: the daemon's error, a command that cannot be invoked, one that is not there. */
const OWN_STATUSES = [125, 126, 127];

async function open(host: SandboxHost, signal: AbortSignal): Promise<SandboxProbe> {
  const reasons: string[] = [];
  for (const name of ["docker", "podman"]) {
    const program = await findProgram(name, host.path);
    if (program === undefined) {
      reasons.push(`no ${name} on PATH`);
      continue;
    }
    const version = await outputOf(program, ["version", "--format", "{{.Server.Version}}"], signal);
    if (version === "") {
      reasons.push(`${name}: no daemon answers`);
      continue;
    }
    const image = await outputOf(program, ["image", "inspect", "--format", "{{.Id}}", host.image], signal);
    if (image === "") {
      reasons.push(`${name}: the image ${host.image} is not here (\`${name} pull ${host.image}\`)`);
      continue;
    }
    const runner = runnerOf(program, host, `${name} ${version}, image ${image.slice(0, 19)}`);
    const failure = await canaryFailure(runner, signal);
    if (failure === undefined) return { status: "ok", runner };
    reasons.push(`${name}: ${failure}`);
  }
  return { status: "unavailable", backend: "container", reason: reasons.join("; ") };
}

function runnerOf(program: string, host: SandboxHost, version: string): CodeRunner {
  return {
    backend: "container",
    version,
    isPartial: false,
    run: async (run, signal) => {
      const name = `grappa-${randomUUID()}`;
      const use = { stdin: containerInput(run), wallMs: run.limits.wallMs, outputBytes: run.limits.outputBytes };
      try {
        const end = await runProcess(containerCommand({ program, host, name }, run), use, signal);
        const isOwn = end.cause === "exited" && OWN_STATUSES.includes(end.exitCode ?? -1);
        return isOwn ? sandboxError(end, end.stderr || "the container did not start") : resultOf(end, run.limits);
      } finally {
        // Killing the client leaves the container running. A signal of our own: the run's may be aborted by now.
        await outputOf(program, ["rm", "--force", name], new AbortController().signal);
      }
    },
    close: () => Promise.resolve(),
  };
}

/** The command of one run. */
export function containerCommand(
  { program, host, name }: { program: string; host: Pick<SandboxHost, "image" | "unprivilegedUid">; name: string },
  { limits }: CodeRun,
): ProcessCommand {
  const seconds = limits.cpuSeconds;
  const args = [
    ["run", "--rm", "--interactive", "--init", "--pull", "never", "--name", name],
    ["--network", "none", "--read-only", "--ipc", "none", "--hostname", "sandbox", "--log-driver", "none"],
    ["--user", `${host.unprivilegedUid}:${host.unprivilegedUid}`, "--cap-drop", "ALL"],
    ["--security-opt", "no-new-privileges", "--pids-limit", String(limits.processes)],
    ["--memory", String(limits.memoryBytes), "--memory-swap", String(limits.memoryBytes), "--cpus", "1"],
    ["--ulimit", `cpu=${seconds}:${seconds + 1}`, "--ulimit", `fsize=${limits.fileBytes}:${limits.fileBytes}`],
    ["--ulimit", "nofile=256:256", "--ulimit", "core=0:0"],
    ["--tmpfs", `/tmp:rw,nosuid,nodev,size=${limits.fileBytes}`, "--workdir", "/tmp"],
    ["--env", "PYTHONHASHSEED=0", "--env", "HOME=/tmp", "--env", "LC_ALL=C.UTF-8"],
    [host.image, "python3", "-E", "-s", "-S", "-B", "-c", UNPACK],
  ].flat();
  return { file: program, args, env: { PATH: "/usr/local/bin:/usr/bin:/bin" }, cwd: "/" };
}

/** What goes in by standard input: one line with the files, then the program's own input. */
export function containerInput({ files, stdin }: CodeRun): string {
  return `${JSON.stringify(Object.fromEntries(fileEntries(files)))}\n${stdin}`;
}

/**
 * Reads that line byte by byte, so that the rest stays for the program; then becomes the program. A read-only root leaves no
 * place for its files but the run's own /tmp.
 */
const UNPACK = `
import json, os, sys
line = bytearray()
while not line.endswith(b"\\n"):
    part = os.read(0, 1)
    if part == b"":
        os._exit(126)
    line += part
for path, text in json.loads(line).items():
    place = "/tmp/.box/" + path
    os.makedirs(os.path.dirname(place), exist_ok=True)
    with open(place, "w", encoding="utf-8", errors="surrogatepass") as file:
        file.write(text)
os.execv(sys.executable, [sys.executable, "-E", "-s", "-S", "-B", "/tmp/.box/main.py"])
`;

/** @file A Slurm of scripts on PATH, for this process; with an ssh that leads back here. */
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { shellLine, shellWord } from "../../src/adapters/launchers/shell-words.ts";
import { delimiter, join, resolve } from "node:path";

/** A fake Slurm; see fake-slurm.mjs. */
export interface FakeSlurm {
  /** Its state: `calls`, `job-N.json`; a file `down` here takes the controller away, `hold` keeps jobs pending, `lose` loses sbatch's answer. */
  readonly state: string;
  /** Gives PATH and the rest back. */
  close(): void;
}

/** Puts Slurm's commands before all others of this process, and of what it starts. */
export function openFakeSlurm(folder: string): FakeSlurm {
  const state = join(folder, "slurm");
  const bin = join(folder, "bin");
  for (const path of [state, bin]) mkdirSync(path, { recursive: true });
  const script = resolve("test/launch/fake-slurm.mjs");
  const write = (name: string, text: string): void => {
    writeFileSync(join(bin, name), `#!/bin/sh\n${text}\n`);
    chmodSync(join(bin, name), 0o755);
  };
  const node = `FAKE_SLURM=${shellWord(state)} exec ${shellLine([process.execPath, script])}`;
  const known = `state=${shellWord(state)}; [ ! -e "$state/down" ] || { echo "Unable to contact slurm controller (connect failure)" >&2; exit 1; }`;
  for (const command of ["sbatch", "scancel", "srun"]) write(command, `${node} ${command} "$@"`);
  // What is asked often is answered without starting a Node.
  write(
    "squeue",
    `${known}\nfor arg; do case $arg in --name=*) name=\${arg#--name=};; esac; done\nsed -n "s/ $name\\$//p" "$state"/queue-* 2>/dev/null\nexit 0`,
  );
  write(
    "scontrol",
    `${known}\n[ "$1" != requeue ] || ${node} scontrol "$@"
[ "$2" != node ] || { echo "NodeName=$3 Arch=x86_64 NodeAddr=127.0.0.1 NodeHostName=here"; exit; }
[ -e "$state/line-$4" ] || { echo "slurm_load_jobs error: Invalid job id specified" >&2; exit 1; }
if [ "$SLURM_TIME_FORMAT" = %s ]; then exec cat "$state/line-$4"; fi
exec sed 's/Time=[0-9]*/Time=2026-11-29T19:00:00/g' "$state/line-$4"`,
  );
  // As sshd does it: the words after the host become one line for the user's shell there.
  write(
    "ssh",
    `printf '%s\\n' "$@" >>${shellWord(`${state}/ssh`)}\nwhile [ "$1" != -- ]; do shift; done\nhost=$2; shift 2\n[ "$host" != gone ] || { echo 'ssh: connect to host gone port 22: No route to host' >&2; exit 255; }\nexec sh -c "$*"`,
  );
  const before = process.env["PATH"];
  process.env["PATH"] = `${bin}${delimiter}${before}`;
  return { state, close: () => void (process.env["PATH"] = before) };
}

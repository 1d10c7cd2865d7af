/**
 * @file What Slurm is given for a job: the words for sbatch, the batch script, the script of a node, and the file with the job's
 * variables. Everything of the user's is quoted but the `setup` lines, which are shell lines of theirs.
 */
import type { SlurmFields } from "../../schema/training-fields.ts";
import type { JobSpec } from "./launcher.ts";
import { shellLine, shellWord } from "./shell-words.ts";
import { GRACE_SECONDS } from "./torchrun-command.ts";

/** Variables of the user's that go with the job; all others, with whatever keys are in them, stay here. */
const EXPORTED = ["PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "TERM", "SLURM_CONF", "LD_LIBRARY_PATH"];
/** Added to the time limit that Slurm is told: the job's own clock should come first, and saves a checkpoint. */
const SLACK_MINUTES = 5;

/** A job for Slurm. */
export interface SlurmJob {
  /** Slurm's name of it. */
  readonly jobName: string;
  /** The job's folder, which every node sees. */
  readonly folder: string;
  readonly fields: SlurmFields;
  readonly spec: JobSpec;
}

/** Processes of one node. */
export const processesOfNode = ({ gpusPerNode, processesPerNode }: SlurmFields): number =>
  processesPerNode ?? Math.max(1, gpusPerNode);

/** Nodes that a job holds: one where its program runs once. */
const nodesOf = ({ fields, spec }: Pick<SlurmJob, "fields" | "spec">): number =>
  spec.isDistributed ? fields.nodes : 1;

/** The command that submits the job. The recipe's own options stand last, and win. */
export function sbatchWords(job: SlurmJob): [string, ...string[]] {
  const { jobName, folder, fields, spec } = job;
  const minutes = spec.timeoutSeconds === null ? null : Math.ceil(spec.timeoutSeconds / 60) + SLACK_MINUTES;
  return [
    "sbatch",
    "--parsable",
    `--job-name=${jobName}`,
    `--nodes=${nodesOf(job)}`,
    `--ntasks-per-node=${processesOfNode(fields)}`,
    ...(fields.gpusPerNode > 0 ? [`--gpus-per-node=${fields.gpusPerNode}`] : []),
    ...(fields.partition === undefined ? [] : [`--partition=${fields.partition}`]),
    ...(fields.account === undefined ? [] : [`--account=${fields.account}`]),
    ...(minutes === null ? [] : [`--time=${minutes}`]),
    "--requeue", // after a lost node it goes on from its last checkpoint
    "--open-mode=append",
    `--output=${folder.replaceAll("%", "%%")}/log-%j`,
    `--export=${EXPORTED.join(",")}`,
    ...fields.options,
    `${folder}/job.sh`,
  ];
}

/** The batch script: runs once, on the first node, and again after the job was queued again. */
export function jobScript(job: SlurmJob): string {
  const { jobName, folder, fields, spec } = job;
  const nodes = nodesOf(job);
  return `#!/bin/bash
# ${jobName}: a job of grappa. Written anew at each submission.
job=${shellWord(folder)}
id=$SLURM_JOB_ID
unset SLURM_EXPORT_ENV
cd "$job/files" || exit 1
grep -qxs "$id" "$job/jobs" || echo "$id" >>"$job/jobs"
rm -f "$job/end-$id"
[ -s "$job/started-$id" ] || date +%s >"$job/started-$id"
if ! command -v module >/dev/null; then
  for modules in /etc/profile.d/modules.sh /etc/profile.d/lmod.sh /etc/profile.d/z00_lmod.sh; do
    [ ! -r "$modules" ] || . "$modules"
  done
fi
${fields.setup.map((line) => `${line}\n`).join("")}
srun --export=ALL --nodes=${nodes} --ntasks=${nodes} --ntasks-per-node=1 --cpu-bind=none --kill-on-bad-exit=1 bash "$job/node.sh" &
srun=$!
${spec.timeoutSeconds === null ? "" : clock(spec.timeoutSeconds)}wait "$srun"
code=$?
[ -z "$clock" ] || kill "$clock" 2>/dev/null
printf '%s %s\\n' "$code" "$(date +%s)" >"$job/end-$id.tmp" && mv "$job/end-$id.tmp" "$job/end-$id"
# After a failure the job may be queued again, and needs its variables.
[ "$code" -ne 0 ] || rm -f "$job/environment"
exit "$code"
`;
}

/** Ends the job in time, all its tries together; Slurm's own limit knows minutes, and forgets at each try. */
const clock = (seconds: number): string => `(
  trap 'kill "$sleeper" 2>/dev/null; exit' TERM
  nap() { sleep "$1" & sleeper=$!; wait "$sleeper"; }
  left=$(( ${Math.ceil(seconds)} - $(date +%s) + $(cat "$job/started-$id") ))
  [ "$left" -le 0 ] || nap "$left"
  : >"$job/timed-out-$id"
  scancel --signal=TERM "$id"
  nap ${GRACE_SECONDS}
  scancel --signal=KILL "$id"
) &
clock=$!
`;

/** The script of each node. */
export function nodeScript({ folder, fields, spec }: SlurmJob): string {
  const processes = spec.isDistributed ? processesOfNode(fields) : 1;
  const program = shellLine([spec.program, ...spec.args]);
  return `#!/bin/bash
job=${shellWord(folder)}
python=${shellWord(fields.python)}
id=$SLURM_JOB_ID
threads=$(( \${SLURM_CPUS_ON_NODE:-1} / ${processes} ))
export OMP_NUM_THREADS=$(( threads > 0 ? threads : 1 ))
export PYTHONUNBUFFERED=1
export TORCH_ELASTIC_SHUTDOWN_TIMEOUT=${GRACE_SECONDS}
. "$job/environment" || exit 1
export GRAPPA_OUT="$job/out"
cd "$job/files" || exit 1
${spec.isDistributed ? meeting(fields, processes, program) : `exec "$python" -u ${program}\n`}`;
}

/** The first node chooses a port and tells the others by a file of the shared folder: a port from the job's number may be taken. */
function meeting(fields: SlurmFields, processes: number, program: string): string {
  return `mine=$(scontrol show node "$SLURMD_NODENAME" -o 2>/dev/null | sed -n 's/.* NodeAddr=\\([^ ]*\\).*/\\1/p')
mine=\${mine:-$(hostname)}
meeting=$job/meeting-$id-\${SLURM_RESTART_COUNT:-0}
host=0
if [ "$SLURM_PROCID" = 0 ]; then
  host=1
  port=$("$python" -c 'import socket; s = socket.socket(); s.bind(("", 0)); print(s.getsockname()[1])') || exit 1
  printf '%s:%s\\n' "$mine" "$port" >"$meeting.tmp" && mv "$meeting.tmp" "$meeting" || exit 1
fi
for (( waited = 0; waited < 600; waited++ )); do
  [ ! -s "$meeting" ] || break
  sleep 1
done
exec "$python" -m torch.distributed.run --nnodes ${fields.nodes} --nproc-per-node ${processes} \\
  --rdzv-backend c10d --rdzv-id "grappa-$id-\${SLURM_RESTART_COUNT:-0}" --rdzv-endpoint "$(cat "$meeting")" \\
  --rdzv-conf "is_host=$host" --local-addr "$mine" ${program}
`;
}

/** The job's variables as shell lines, for a file that its owner alone may read. */
export const environmentFile = (environment: Readonly<Record<string, string>>): string =>
  Object.entries(environment)
    .map(([name, value]) => `export ${name}=${shellWord(value)}\n`)
    .join("");

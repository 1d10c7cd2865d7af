#!/usr/bin/env bash
# A Slurm of two virtual nodes on this machine, for tests: start-slurm.sh FOLDER [CPUS-OF-A-NODE]. Its daemons keep everything
# below FOLDER, use no authentication, listen on loopback ports of their own, and end when this script is told to (SIGTERM,
# or its standard input ends). Prints `ready SLURM_CONF` once both nodes are idle. Needs the packages slurmctld, slurmd,
# slurm-client and slurm-wlm-basic-plugins, and their programs on PATH or in /usr/sbin; says which are missing, status 3.
set -euo pipefail
PATH=$PATH:/usr/sbin:/sbin
folder=$(mkdir -p "$1" && cd "$1" && pwd)
cpus=${2:-1}

program() { command -v "$1-wlm" || command -v "$1" || true; }
slurmctld=$(program slurmctld)
slurmd=$(program slurmd)
missing=
for each in "slurmctld:$slurmctld" "slurmd:$slurmd" "sbatch:$(command -v sbatch || true)" "srun:$(command -v srun || true)"; do
  [ -n "${each#*:}" ] || missing="$missing ${each%%:*}"
done
if [ -n "$missing" ]; then
  echo "missing:$missing" >&2
  exit 3
fi

free_port() { # one that nobody listens on, from a place that differs from run to run
  local port=$(( 20000 + (RANDOM % 10000) ))
  while (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do port=$(( port + 1 )); done
  echo "$port"
}

mkdir -p "$folder/state" "$folder/spool-n1" "$folder/spool-n2"
host=$(hostname -s)
user=$(id -un)
cat >"$folder/slurm.conf" <<CONF
ClusterName=grappa
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$(free_port)
SlurmUser=$user
SlurmdUser=$user
AuthType=auth/none
CredType=cred/none
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool-%n
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd-%n.pid
SlurmctldLogFile=$folder/slurmctld.log
SlurmdLogFile=$folder/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
SwitchType=switch/none
SchedulerType=sched/backfill
ReturnToService=2
KillWait=20
SlurmdParameters=config_overrides
NodeName=n1 NodeHostname=$host NodeAddr=127.0.0.1 Port=$(free_port) CPUs=$cpus State=UNKNOWN
NodeName=n2 NodeHostname=$host NodeAddr=127.0.0.1 Port=$(free_port) CPUs=$cpus State=UNKNOWN
PartitionName=main Nodes=n1,n2 Default=YES MaxTime=INFINITE State=UP
CONF
export SLURM_CONF=$folder/slurm.conf

pids=()
stop() {
  trap - EXIT TERM INT
  kill "${pids[@]}" 2>/dev/null || true
  wait "${pids[@]}" 2>/dev/null || true
  exit "${1:-0}"
}
trap 'stop 0' TERM INT
trap 'stop $?' EXIT

"$slurmctld" -D -i >"$folder/slurmctld.out" 2>&1 </dev/null & pids+=($!)
for node in n1 n2; do
  "$slurmd" -D -N "$node" >"$folder/$node.out" 2>&1 </dev/null & pids+=($!)
done

for (( waited = 0; waited < 240; waited++ )); do
  if [ "$(sinfo --noheader --Node --format='%T' 2>/dev/null | grep -c '^idle$')" = 2 ]; then
    echo "ready $SLURM_CONF"
    exec 4<&0
    cat >/dev/null <&4 & # ends with our standard input; what runs beside us would read nothing else
    wait $!
    stop 0
  fi
  for pid in "${pids[@]}"; do
    kill -0 "$pid" 2>/dev/null || { echo "a daemon ended:" >&2; tail -n 5 "$folder"/*.out "$folder"/*.log >&2; stop 1; }
  done
  sleep 0.5
done
echo "no two idle nodes after 120 s:" >&2
sinfo >&2 || true
tail -n 20 "$folder"/*.log >&2
stop 1

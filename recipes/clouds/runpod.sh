#!/usr/bin/env bash
# A pod of RunPod as a Ray cluster of one machine, for `grappa run clouds`.
#
#   runpodctl config --apiKey YOUR_KEY         once
#   bash runpod.sh                             makes the pod, and says what to do next
#   bash runpod.sh HOST PORT                   starts Ray on it, and opens the tunnel
#   grappa plan clouds && grappa run clouds --yes
#   runpodctl remove pod POD_ID                ends the bill: a pod costs until it is removed, idle or not
#
# By the GPU and hour, as read on 2026-09-25 (community to secure cloud): H100 SXM $2.69 to $3.49, H200 $3.59 to $4.59,
# A100 80 GB $1.39 to $1.79 (2026-11-09), L40S $0.79 to $1.09. Two H100s for the one or two hours of a 7B: about $5 to $14.
set -euo pipefail

if [ $# -eq 0 ]; then
  # gpuCount is the recipe's train.launcher.workers. secureCloud: in a data centre; communityCloud is cheaper and may go away.
  # The image runs an ssh server that knows your account's keys; the volume outlives a restart of the pod.
  runpodctl create pod \
    --name grappa \
    --gpuType "NVIDIA H100 80GB HBM3" \
    --gpuCount 2 \
    --secureCloud \
    --imageName "${GRAPPA_IMAGE:-runpod/pytorch:latest}" \
    --containerDiskSize 100 \
    --volumeSize 400 \
    --volumePath /workspace \
    --ports 22/tcp
  echo "when it runs, its page says HOST and PORT under 'SSH over exposed TCP'; then: bash $0 HOST PORT"
  exit 0
fi

host=$1
port=$2

# On the pod: Ray as grappa's launcher is tested with, /grappa on the volume, and the dashboard on the pod's loopback alone:
# whoever reaches it may run anything. RAY_DEDUP_LOGS=0, or Ray folds equal lines in the middle of our JSON.
ssh -p "$port" "root@$host" bash -s <<'POD'
set -euo pipefail
python -m pip install --quiet "ray[default,train]==2.58.0"
mkdir -p /workspace/grappa
ln -sfn /workspace/grappa /grappa
export RAY_DEDUP_LOGS=0
ray status >/dev/null 2>&1 || ray start --head --dashboard-host 127.0.0.1 --dashboard-port 8265 --disable-usage-stats
POD

# Here: the same folder at the same path, where grappa reads checkpoints, losses and the student.
sudo mkdir -p /grappa
sudo chown "$(id -u)" /grappa
mountpoint --quiet /grappa || sshfs -p "$port" "root@$host:/workspace/grappa" /grappa -o reconnect

# The recipe's train.launcher.address. It stays in the foreground: end it by Ctrl-C, and open it again whenever it breaks;
# `grappa run` waits, and the training goes on without it.
exec ssh -N -p "$port" -L 8265:127.0.0.1:8265 "root@$host"

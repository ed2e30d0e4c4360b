#!/usr/bin/env bash
# A Slurm array that restores a folder of pictures, one shard per task:
#
#   sbatch --array=1-64 scripts/restore-slurm.sh PHOTOS RESTORED [FLAG...]
#
# PHOTOS and RESTORED are folders that all nodes share; flags are those of clusir
# restore. A requeued task resumes; SHARDS=64 sbatch --array=5,9 submits two of the 64
# again. When all are done,
#
#   clusir merge RESTORED/results-*.jsonl
#
# reports which pictures failed, or which shard is not finished.
#SBATCH --job-name=clusir
#SBATCH --cpus-per-task=8
#SBATCH --mem=8G
#SBATCH --time=12:00:00
#SBATCH --requeue
#SBATCH --signal=B:TERM@60
set -euo pipefail
[ $# -ge 2 ] || { echo "usage: sbatch --array=1-N $0 PHOTOS RESTORED [FLAG...]" >&2; exit 2; }
photos=$1 restored=$2
shift 2
: "${SLURM_ARRAY_TASK_ID:?submit this as an array, with sbatch --array=1-N}"

# The array may start at any number and have a step; with gaps, SHARDS must be set.
k=$SLURM_ARRAY_TASK_ID n=${SHARDS:-}
if [ -z "$n" ]; then
  min=${SLURM_ARRAY_TASK_MIN:-1} max=${SLURM_ARRAY_TASK_MAX:?} step=${SLURM_ARRAY_TASK_STEP:-1}
  k=$(((k - min) / step + 1)) n=${SLURM_ARRAY_TASK_COUNT:?}
  [ $(((max - min) / step + 1)) = "$n" ] || { echo "$0: this array has gaps: set SHARDS to the number of shards, 1 to SHARDS" >&2; exit 2; }
fi
mkdir -p "$restored"
exec clusir restore "$photos" -o "$restored" --skip-existing --shard "$k/$n" \
  --results "$restored/results-$k.jsonl" --threads "${SLURM_CPUS_PER_TASK:-0}" "$@"

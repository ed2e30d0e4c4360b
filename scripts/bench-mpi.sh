#!/usr/bin/env bash
# Measures how training scales from one MPI rank to several on this machine:
#
#   bench-mpi.sh [RANKS [ROUNDS]]
#
# Defaults are 2 ranks and 3 rounds. Each rank has one thread. A speed is that of the
# STEPS steps (20) by which one run is longer than another, so that startup does not
# count; it is the median of several alternating rounds. "strong" splits a batch of 8,
# "weak" gives each rank 8 samples. For comparison, one process runs with as many
# threads as there are ranks. Use an idle machine.
set -euo pipefail
cd "$(dirname "$0")/.."
ranks=${1:-2} rounds=${2:-3} steps=${STEPS:-20}

make mpi >&2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp bin/clusir "$work/clusir"
mkdir "$work/data"
cp testdata/images/{astronaut,chelsea,coffee}.png "$work/data"

# milliseconds COMMAND...: the time of those steps, from the difference of two runs.
milliseconds() {
  local n begin end short
  for n in 5 $((5 + steps)); do
    rm -rf "$work/run"
    begin=$(date +%s%N)
    "$@" "$work/clusir" train --config denoise-nano --data "$work/data" --out "$work/run" --steps "$n" --seed 1 \
      --set train.validation_interval=0 --set train.checkpoint_interval=0 --set train.patch=96 --set train.schedule=constant \
      --set train.accumulate=1 "${more[@]}" >"$work/said" 2>&1 || { cat "$work/said" >&2; exit 1; }
    end=$(date +%s%N)
    [ "$n" = 5 ] && short=$((end - begin))
  done
  [ $((end - begin)) -gt "$short" ] || { echo "$steps more steps took no longer: the machine is too busy, or STEPS too small" >&2; exit 1; }
  echo $(((end - begin - short) / 1000000))
}

declare -A times
measure() { # measure NAME BATCH THREADS COMMAND...
  local name=$1 batch=$2 threads=$3
  shift 3
  more=(--set "train.batch=$batch" --set "threads=$threads")
  times[$name]+="$(milliseconds "$@") $batch"$'\n'
}

mpi=(mpirun --allow-run-as-root --oversubscribe --bind-to none -n "$ranks")
for ((round = 1; round <= rounds; round++)); do
  echo "round $round of $rounds" >&2
  measure one 8 1 env
  measure threads 8 "$ranks" env
  measure strong 8 1 "${mpi[@]}"
  measure weak $((8 * ranks)) 1 "${mpi[@]}"
done

speed() { # images per second of the median
  sort -n <<<"${times[$1]%$'\n'}" | awk '{ ms[NR] = $1; batch = $2 } END { printf "%.2f", '"$steps"' * batch / ms[int((NR + 1) / 2)] * 1000 }'
}
base=$(speed one)
printf '%-36s %10s %8s\n' "nano, 96×96, 1 thread a rank" "images/s" "speed-up"
row() { printf '%-36s %10s %8s\n' "$1" "$2" "$(awk -v a="$2" -v b="$base" 'BEGIN { printf "%.2f×", a / b }')"; }
row "1 rank" "$base"
row "1 process, $ranks threads" "$(speed threads)"
row "$ranks ranks, batch of 8 (strong)" "$(speed strong)"
row "$ranks ranks, batch of 8 each (weak)" "$(speed weak)"

#!/usr/bin/env bash
# Trains the three rows of the paper's Table 4 with small networks on a short budget
# and prints their results next to the paper's:
#
#   scripts/ablation.sh DATA [STEPS]
#
# STEPS is 2000 by default. SEEDS="0 1 2" trains each row once per seed; OUT is the
# folder for the runs (runs/ablation), CLUSIR the program (bin/clusir), and CLUSIR_FLAGS
# holds further flags. Interrupted runs continue; other STEPS need another OUT. All rows
# see the same samples in the same order. They differ in size, as the paper's do: (b)
# adds parameters to (a), and (c) to (b).
set -euo pipefail

data=${1:?usage: scripts/ablation.sh DATA [STEPS]}
steps=${2:-2000}
seeds=${SEEDS:-0}
out=${OUT:-runs/ablation}
clusir=${CLUSIR:-bin/clusir}
read -ra flags <<<"${CLUSIR_FLAGS:-}"

mkdir -p "$out"
for row in a b c; do
  cat >"$out/row-$row.yaml" <<EOF
extends: table4-$row
model: {variant: nano, dim: 12, enc_blocks: [1, 1, 1, 1], dec_blocks: [1, 1, 1], refine_blocks: 1, fsb_groups: 4, heads: [1, 1, 1, 1]}
tasks:
  - {kind: denoise, repeat: 1, sigmas: [15, 25, 50]}
  - {kind: derain, repeat: 8, synth: 1, transfer: 1}
  - {kind: dehaze, repeat: 8, synth: 2}
train: {batch: 8, patch: 64, lr: 1e-3, min_lr: 1e-6, warmup: 50, schedule: cosine, grad_clip: 1, ema: 0.99, checkpoint_interval: 200, validation_interval: $steps}
eval: {benchmarks: [cbsd68, rain100l, sots]}
EOF
done

for seed in $seeds; do
  for row in a b c; do
    run=$out/$row-$seed
    resume=()
    if [ -e "$run/last.safetensors" ]; then resume=(--resume); fi
    "$clusir" train --config "$out/row-$row.yaml" --data "$data" --out "$run" --steps "$steps" --seed "$seed" "${resume[@]}" "${flags[@]}" >&2
  done
done

# The last validation of every run as lines "row seed name value", and the sizes.
numbers() {
  for seed in $seeds; do
    for row in a b c; do
      grep '"validation"' "$out/$row-$seed/log.jsonl" | tail -n 1 | grep -o '{"name":"[^"]*","value":[^}]*}' |
        sed -E "s/\{\"name\":\"([^\"]*)\",\"value\":([^}]*)\}/$row $seed \1 \2/"
    done
  done
  for row in a b c; do
    "$clusir" bench --model "$out/$row-${seeds%% *}/last.safetensors" --size 128 --runs 0 --json |
      sed -E "s/.*\"params\":([0-9]*),\"gmacs\":([0-9.]*).*/$row - params \1\n$row - gmacs \2/"
  done
}

numbers >"$out/numbers.txt"
awk -v steps="$steps" -v seeds="$seeds" '
  BEGIN {
    n = split("a b c", rows); what["a"] = "wavelet blocks"; what["b"] = "+ PCGRM-MoE"; what["c"] = "+ DAFMM"
    paper["a"] = 32.68; paper["b"] = 32.95; paper["c"] = 33.06; nseeds = split(seeds, seed)
  }
  $3 == "params" || $3 == "gmacs" { size[$1, $3] = $4; next }
  { if (!($3 in known)) { known[$3]; names[++m] = $3 } sum[$1, $3] += $4; total[$1, $2] += $4 }
  END {
    printf "Table 4 after %d steps, seeds %s: PSNR in dB\n\n%-18s %8s %7s", steps, seeds, "row", "params", "GMACs"
    for (i = 1; i <= m; i++) printf " %10s", names[i]
    printf " %8s %15s %8s\n", "mean", "over the seeds", "paper"
    for (r = 1; r <= n; r++) {
      row = rows[r]; lo[row] = 1e9; hi[row] = -1e9; mean[row] = 0
      for (s = 1; s <= nseeds; s++) {
        v = total[row, seed[s]] / m; mean[row] += v / nseeds
        if (v < lo[row]) lo[row] = v
        if (v > hi[row]) hi[row] = v
      }
      printf "(%s) %-14s %8d %7.2f", row, what[row], size[row, "params"], size[row, "gmacs"]
      for (i = 1; i <= m; i++) printf " %10.2f", sum[row, names[i]] / nseeds
      printf " %8.3f   %5.2f - %5.2f %8.2f\n", mean[row], lo[row], hi[row], paper[row]
    }
    order = mean["a"] < mean["b"] && mean["b"] < mean["c"] ? "are" : "are not"
    printf "\nThe rows %s in the order of the paper.\n", order
    if (nseeds > 1 && (hi["a"] >= lo["b"] || hi["b"] >= lo["c"])) print "The seeds of neighbouring rows overlap: their order is not certain."
    if (nseeds == 1) print "One seed alone does not tell a difference of rows from one of seeds."
  }' "$out/numbers.txt"

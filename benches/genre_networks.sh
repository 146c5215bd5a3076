#!/usr/bin/env bash
# How well trained networks tell genres, beside docs/results/genre.md: genre-networks.md in OUT.
#
#   benches/genre_networks.sh FMA WORK_FOLDER [OUT]
#
# FMA is laid out as FMA is: fma_metadata/tracks.csv, and a folder of clips. Each config below configs/genre is trained with SEEDS
# seeds (default 5) on the official split, and once for each of five folds over all tracks. WORK_FOLDER keeps the runs: run it again
# to go on, also after an interruption in the middle of a training. JOBS is how many threads each training has (default 1).
set -euo pipefail
fma="$(realpath "$1")" work="$(realpath -m "$2")" out="$(realpath -m "${3:-docs/results}")"
cd "$(dirname "$0")/.."
cargo build --release -p melisma --features train
cargo build --release -p xtask
built="${CARGO_TARGET_DIR:-target}/release"
revision="$(git rev-parse --short HEAD)"
[[ -z "$(git status --porcelain -- crates configs)" ]] || revision="$revision with changes"
mkdir -p "$work"
[[ -f "$work/all.jsonl" ]] || "$built/melisma" data fma "$fma" -o "$work/all.jsonl"
"$built/xtask" genre-folds --fma "$fma" --manifest "$work/all.jsonl" --output "$work/folds"

# One training, unless it has come to its end before.
train() {
    local config="$1" manifest="$2" run="$3" seed="$4"
    "$built/melisma" train "$config" --data "$manifest" -o "$run" --set "seed=$seed" --jobs "${JOBS:-1}" --cache "$work/cache"
}
for config in configs/genre/*.toml; do
    runs="$work/runs/$(basename "$config" .toml)"
    for ((seed = 0; seed < ${SEEDS:-5}; seed++)); do
        train "$config" "$work/all.jsonl" "$runs/seed-$seed" "$seed"
    done
    for fold in 0 1 2 3 4; do
        train "$config" "$work/folds/fold-$fold.jsonl" "$runs/fold-$fold" 0
    done
done
"$built/xtask" genre-networks --runs "$work/runs" --output "$out/genre-networks.md" --revision "$revision"

#!/usr/bin/env bash
# How well trained networks tell genres, beside docs/results/genre.md: genre-networks.md in OUT.
#
#   MUSIC=MANIFEST benches/genre_networks.sh FMA WORK_FOLDER [OUT]
#
# FMA is laid out as FMA is: fma_metadata/tracks.csv, and a folder of clips. Each config below configs/genre is trained with SEEDS
# seeds (default 5) on the official split, and once for each of the first FOLDS (default 5) of five folds over all tracks; the page
# says something of folds where all five are there. NETWORKS names the configs (default: all); rows of others stay as OUT has them.
#
# Some networks hear with the encoder of configs/study/time-ae.toml. It is trained first, without labels, on MUSIC: a manifest of other
# music (benches/study_parts.py, `melisma data scan --table`) or a folder; ENCODER_STEPS is for how long (default: the config's).
#
# WORK_FOLDER keeps the runs: run it again to go on, also after an interruption in the middle of a training. JOBS is how many threads
# each training has (default 1). REMARKS is a file whose text ends the page.
set -euo pipefail
fma="$(realpath "$1")" work="$(realpath -m "$2")" out="$(realpath -m "${3:-docs/results}")"
music="${MUSIC:+$(realpath "$MUSIC")}" remarks="${REMARKS:+$(realpath "$REMARKS")}"
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
    local config="$1" manifest="$2" run="$3"
    shift 3
    "$built/melisma" train "$config" --data "$manifest" -o "$run" --jobs "${JOBS:-1}" --cache "$work/cache" "$@"
}
encoder="$work/encoder" said=()
for name in ${NETWORKS:-$(basename -s .toml configs/genre/*.toml)}; do
    config="configs/genre/$name.toml" runs="$work/runs/$name"
    heard=()
    if grep -q '^encoder = ' "$config"; then
        if [[ ! -d "$encoder/model" ]]; then
            : "${music:?MUSIC has to name music for the encoder that $config hears with}"
            train configs/study/time-ae.toml "$music" "$encoder" ${ENCODER_STEPS:+--set "run.steps=$ENCODER_STEPS"}
        fi
        heard=(--set "classifier.encoder.folder=$encoder")
    fi
    mkdir -p "$runs"
    [[ -f "$runs/revision" ]] || echo "$revision" > "$runs/revision"
    for ((seed = 0; seed < ${SEEDS:-5}; seed++)); do
        train "$config" "$work/all.jsonl" "$runs/seed-$seed" --set "seed=$seed" "${heard[@]}"
    done
    for ((fold = 0; fold < ${FOLDS:-5}; fold++)); do
        train "$config" "$work/folds/fold-$fold.jsonl" "$runs/fold-$fold" --set seed=0 "${heard[@]}"
    done
done
[[ ! -d "$encoder/model" ]] || said=(--encoder "$encoder")
"$built/xtask" genre-networks --runs "$work/runs" --output "$out/genre-networks.md" "${said[@]}" ${remarks:+--remarks "$remarks"}

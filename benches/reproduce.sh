#!/usr/bin/env bash
# Every system of the study, trained on music and tested on other music, by `melisma reproduce study`; then the results,
# tables and charts of docs/results/reproduction and the page of results. The page itself stays in WORK_FOLDER: it holds excerpts.
#
#   benches/reproduce.sh CORPUS TEST_CLIPS.txt WORK_FOLDER [further options, such as --budget 1h --jobs 2 --clips 95]
#
# CORPUS is a folder with `music/manifest.tsv`, as benches/study_parts.py reads it. WORK_FOLDER keeps trainings and
# measurements: run it again to go on.
set -euo pipefail
corpus="$(realpath "$1")" test="$(realpath "$2")" work="$(realpath -m "$3")"
shift 3
options="$*"
cd "$(dirname "$0")/.."
cargo build --release --features melisma/train
melisma="${CARGO_TARGET_DIR:-target}/release/melisma"

mkdir -p "$work"
if [[ ! -f "$work/manifest.jsonl" ]]; then
    python3 benches/study_parts.py "$corpus/music/manifest.tsv" "$test" > "$work/parts.tsv"
    "$melisma" data scan "$corpus" --table "$work/parts.tsv" -o "$work/manifest.jsonl"
fi
"$melisma" reproduce study --data "$work/manifest.jsonl" -o "$work/study" "$@"

results=docs/results/reproduction
rm -rf "$results"
mkdir -p "$results/charts"
cp "$work/study/results.json" "$results/results.json"
cp "$work/study"/charts/*.svg "$results/charts"
made() { printf '\nMade by `benches/reproduce.sh CORPUS TEST_CLIPS WORK_FOLDER %s`.\n' "$options"; }
{ cat "$work/study/study.md"; made; } > "$results/study.md"
# docs/results/index.md shows the first two tables.
{ sed '/^Systems of samples/,$d' "$work/study/study.md"; made; } > docs/results/reproduction.md
cargo run -q -p xtask -- results

#!/usr/bin/env bash
# How well genres are told from coded files, at several bitrates, and what these files sound like: genre.md, genre.json and
# charts in OUT.
#
#   benches/genre.sh FMA WORK_FOLDER OUT [KBPS ...]
#
# FMA is laid out as FMA is: fma_metadata/tracks.csv, and a folder of clips. docs/results has four genres of 400 tracks:
#
#   benches/genre.sh GENRES WORK_FOLDER docs/results
#
# and who has FMA-small gets the same tables of its eight genres, on the official split and without the test tracks whose
# artist or album is among those learned from (that was not run here):
#
#   benches/genre.sh fma WORK_FOLDER fma-small-results
#
# Needs, for MFCC, a Python with librosa and scipy, named by MELISMA_PYTHON. WORK_FOLDER keeps what was coded and measured:
# run it again to go on, and take another one for another version of the encoder. BENCH_CLIPS clips, spread evenly, are compared by ear models (default 12).
set -euo pipefail
fma="$(realpath "$1")" work="$(realpath -m "$2")" out="$(realpath -m "$3")"
shift 3
rates=("$@")
[[ ${#rates[@]} -gt 0 ]] || rates=(2 4 6 8 12 24 32 64 128)
learned=16
cd "$(dirname "$0")/.."
cargo build --release -p melisma -p xtask
built="${CARGO_TARGET_DIR:-target}/release" python="${MELISMA_PYTHON:-python3}"
revision="$(git rev-parse --short HEAD)"
[[ -z "$(git status --porcelain -- crates)" ]] || revision="$revision with changes"

audio=""
for name in audio fma_small fma_medium fma_large fma_full; do
    [[ ! -d "$fma/$name" ]] || audio="$fma/$name"
done
[[ -n "$audio" ]] || { echo "$fma has no folder audio, fma_small, fma_medium, fma_large or fma_full" >&2; exit 2; }
mkdir -p "$work" "$out"

# What an earlier run has coded stays; clips that are damaged are named, and left out.
at=()
for kbps in "$learned" "${rates[@]}"; do
    "$built/melisma" --quiet encode "$audio" -b "${kbps}k" -o "$work/coded$kbps" ||
        echo "not every clip could be coded at $kbps kbit/s: see above" >&2
    [[ "$kbps" == "$learned" ]] || at+=(--at "$kbps=$work/coded$kbps")
done
[[ -f "$work/mfcc.csv" ]] || {
    "$python" benches/mfcc.py "$fma" --out "$work/mfcc.partial"
    mv "$work/mfcc.partial" "$work/mfcc.csv"
}
find "$audio" -name '*.mp3' | sort > "$work/all.txt"
count="$(wc -l < "$work/all.txt")" wanted="${BENCH_CLIPS:-12}"
awk -v step="$(((count + wanted - 1) / wanted))" 'NR % step == 1 || step == 1' "$work/all.txt" > "$work/clips.txt"
list="$(IFS=,; echo "$learned,${rates[*]}")"
"$built/melisma" bench --list "$work/clips.txt" --codecs melisma --rates "$list" -o "$work/bench" \
    --revision "$revision" > /dev/null || echo "not everything could be measured: see above" >&2

"$built/xtask" genre --fma "$fma" --coded "$work/coded$learned" --mfcc "$work/mfcc.csv" "${at[@]}" \
    --bench "$work/bench/results.json" --revision "$revision" --output "$out"

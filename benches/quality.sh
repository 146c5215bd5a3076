#!/usr/bin/env bash
# Quality of Melisma beside LAME, Opus, Vorbis and ffmpeg's AAC, as real file bytes against every metric.
#
#   benches/quality.sh CLIPS.txt WORK_FOLDER
#
# CLIPS.txt names one audio file a line. WORK_FOLDER keeps the journal: what is measured there is not measured again.
# Needs lame, opusenc, oggenc and ffmpeg, and `pip install zimtohrli` for the python3 in $MELISMA_PYTHON.
set -euo pipefail
clips="$1" work="$2"
root="$(cd "$(dirname "$0")/.." && pwd)"
cd "$root"
cargo build --release -p melisma-eval --example bench
bench="${CARGO_TARGET_DIR:-target}/release/examples/bench"
run() { "$bench" --list "$clips" --out "$work" --python "${MELISMA_PYTHON:-python3}" --quiet "$@" > /dev/null; }
run --codecs melisma --rates 8,16,32,64,96
run --codecs opus --rates 8,12,16,24,32,48,64,96
run --codecs mp3,vorbis,aac --rates 8,16,32,64,96 --perceptual none
run --codecs melisma:mse --rates 8,16,32,64,96 --perceptual none
run --track study --codecs melisma:mse --rates 7.9,15.7,31.5,63 --perceptual none
run --track study --codecs mp3,aac,opus,vorbis --rates 6,8,12,16,24,32,48,64 --perceptual none
run --track study --codecs downsample --rates 7.9,15.7,31.5,63 --perceptual none

# The tables, from the journal.
print_from() { "$bench" --codecs none --perceptual none --out "$work" "$@" 2> /dev/null; }
table() {
    local file="docs/results/$1.md" title="$2" anchors="$4"
    {
        printf '# %s\n\nMade by `benches/quality.sh`; rates are those of whole files, medians over clips, intervals 95 %% by bootstrap over clips.\n\n' "$title"
        print_from --track "$3" | sed '/^| BD-rate/,$d'
        for anchor in $anchors; do
            print_from --track "$3" --anchor "$anchor" | sed -n '/^| BD-rate/,$p'
        done
    } > "$file"
}
table quality "Quality at 44.1 kHz stereo" S44 "opus mp3 vorbis aac"
table study "Quality in the study's setting, 8 kHz mono" study "mp3 aac"
cp "$work/results.csv" docs/results/quality.csv

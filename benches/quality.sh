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

# The tables, from the journal: all metrics, and a shorter one for the README.
print_from() { "$bench" --codecs none --perceptual none --out "$work" "$@" 2> /dev/null; }
all_tables() {
    print_from --track "$1" | sed '/^| BD-rate/,$d'
    for anchor in $2; do
        print_from --track "$1" --anchor "$anchor" | sed -n '/^| BD-rate/,$p'
    done
}
# Keeps the columns whose heading matches $1.
columns() {
    awk -F'|' -v wanted="$1" '
        !/^\|/ { print; heading = 1; next }
        NR == 1 || heading { for (i = 2; i < NF; i++) keep[i] = ($i ~ wanted); heading = 0 }
        { line = "|"; for (i = 2; i < NF; i++) if (keep[i]) line = line $i "|"; print line }'
}
table() {
    local file="docs/results/$1.md" title="$2" wanted="$5"
    {
        [[ -z "$title" ]] || printf '# %s\n\n' "$title"
        printf 'Made by `benches/quality.sh`: 35 + 60 validation clips; rates are those of whole files, medians over clips, intervals 95 %% by bootstrap over clips.\n\n'
        all_tables "$3" "$4" | columns "$wanted"
    } > "$file"
}
table quality-all-metrics "Quality at 44.1 kHz stereo" S44 "opus mp3 vorbis aac" .
table study-all-metrics "Quality in the setting of the study, 8 kHz mono" study "mp3 aac" .
table quality "" S44 "opus mp3 vorbis aac" '^ (codec|point|kbps|zimtohrli|mel_l1|si_sdr|BD-rate.*) $'
table study "" study "mp3 aac" '^ (codec|point|kbps|study_cplx_8k|si_sdr|BD-rate.*) $'

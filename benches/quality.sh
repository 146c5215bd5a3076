#!/usr/bin/env bash
# Quality of Melisma beside LAME, Opus, Vorbis, ffmpeg's AAC, FLAC and Codec 2 on clips as they are and in the
# setting of the study, by `melisma bench`; then the tables of docs/results and the pages that show them.
#
#   benches/quality.sh CLIPS.txt WORK_FOLDER [further options of melisma bench, such as --jobs 2 --listen 4]
#
# CLIPS.txt names one audio file a line. WORK_FOLDER keeps the journal: run it again to go on.
set -euo pipefail
clips="$(realpath "$1")" work="$(realpath -m "$2")"
shift 2
cd "$(dirname "$0")/.."
cargo build --release
melisma="${CARGO_TARGET_DIR:-target}/release/melisma"

# The codec's own revision: a change elsewhere does not ask for new measurements.
parts=(crates/codec crates/bitstream crates/signal crates/media crates/cli/src/recorder.rs)
revision="$(git log -1 --format=%h -- "${parts[@]}")"
[[ -z "$(git status --porcelain -- "${parts[@]}")" ]] || revision="$revision with changes"
bench() {
    "$melisma" bench --list "$clips" -o "$work" --revision "$revision" "$@" > /dev/null ||
        echo "not everything could be measured: see above; the tables count it as failed" >&2
}
bench "$@"
bench --track study "$@"

mkdir -p docs/results/grid
gzip -9nc "$work/results.json" > docs/results/grid/results.json.gz
publish() {
    { cat "$work/$1.md"; printf '\nMade by `benches/quality.sh` with `melisma bench`.\n'; } > "docs/results/$2.md"
}
publish s44 quality
publish s44-all-metrics quality-all-metrics
publish study study
publish study-all-metrics study-all-metrics
cargo run -q -p xtask -- results

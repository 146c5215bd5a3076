#!/usr/bin/env bash
# What `melisma encode --effort high` gains: beside the usual effort and Opus, on the same clips, by `melisma bench`.
#
#   benches/effort.sh CLIPS.txt WORK_FOLDER [further options of melisma bench, such as --jobs 2]
#
# CLIPS.txt names one audio file a line. WORK_FOLDER keeps the journal: run it again to go on.
set -euo pipefail
clips="$(realpath "$1")" work="$(realpath -m "$2")"
shift 2
cd "$(dirname "$0")/.."
cargo build --release
melisma="${CARGO_TARGET_DIR:-target}/release/melisma"
"$melisma" bench --list "$clips" -o "$work" --codecs melisma,melisma:high,opus --rates 16,32,64 "$@" > /dev/null
{
    python3 benches/effort.py "$work/results.json"
    printf '\n'
    cat "$work/s44.md"
    printf '\nMade by `benches/effort.sh` with `melisma bench`.\n'
} > docs/results/effort.md
cargo run -q -p xtask -- results

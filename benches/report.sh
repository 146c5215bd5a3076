#!/usr/bin/env bash
# The report of the last full run (docs/results/grid): curves, tables, and a piece that the program renders itself to listen
# to, so that nobody else's music is passed on. The page goes to FOLDER, target/report if none is named; its charts go to
# docs/results/report/charts, where README and documents show them.
#
#   benches/report.sh [FOLDER]
set -euo pipefail
cd "$(dirname "$0")/.."
target="${CARGO_TARGET_DIR:-target}"
folder="${1:-$target/report}"
charts=docs/results/report/charts
cargo build --release
melisma="$target/release/melisma"
scratch="$(mktemp -d)"
trap 'rm -rf "$scratch"' EXIT

"$melisma" bench -o "$scratch" --codecs melisma,opus,mp3 --rates 12,32 --listen built-in/band --listen-seconds 4 > /dev/null
rm -rf "$charts"
"$melisma" report docs/results/grid --listening "$scratch" -o "$folder/index.html" --force --charts "$charts"
# The page has them all, and SVG is what documents show.
rm "$charts"/*.png

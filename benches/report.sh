#!/usr/bin/env bash
# The report that the README links, in docs/results/report: curves and tables of the last full run (docs/results/grid), and a
# piece that the program renders itself to listen to, so that nobody else's music is passed on.
#
#   benches/report.sh
set -euo pipefail
cd "$(dirname "$0")/.."
cargo build --release
melisma="${CARGO_TARGET_DIR:-target}/release/melisma"
scratch="$(mktemp -d)"
trap 'rm -rf "$scratch"' EXIT
report=docs/results/report

"$melisma" bench -o "$scratch" --codecs melisma,opus,mp3 --rates 12,32 --listen built-in/band --listen-seconds 4 > /dev/null
rm -rf "$report"
"$melisma" report docs/results/grid --listening "$scratch" -o "$report/index.html" --charts "$report/charts"
# The page has them all, and SVG is what documents show.
rm "$report"/charts/*.png

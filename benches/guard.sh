#!/usr/bin/env bash
# Whether Melisma's quality has fallen: the built-in pieces at a few rates, against docs/results/guard.json.
#
#   benches/guard.sh            says what got worse, and fails if anything did
#   benches/guard.sh --accept   makes today's results the ones to compare with
#   MELISMA=PROGRAM benches/guard.sh ...   of a program that is built already
set -euo pipefail
cd "$(dirname "$0")/.."
melisma="${MELISMA:-}"
if [[ -z "$melisma" ]]; then
    cargo build --release
    melisma="${CARGO_TARGET_DIR:-target}/release/melisma"
fi
scratch="$(mktemp -d)"
trap 'rm -rf "$scratch"' EXIT
guard() { "$melisma" bench -o "$scratch" --codecs melisma,melisma:mse --rates 8,16,32,64 "$@" > /dev/null; }
if [[ "${1:-}" == --accept ]]; then
    guard
    cp "$scratch/results.json" docs/results/guard.json
else
    guard --against docs/results/guard.json
fi

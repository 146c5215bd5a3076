#!/bin/sh
# The decoder as it lies in pages: WebAssembly as gzip, made anew after a change of the bitstream.
# Paths of this machine are left out of it.
set -eu
cd "$(dirname "$0")/../.."
target="${CARGO_TARGET_DIR:-target}"
RUSTFLAGS="-C target-feature=+simd128 --remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=cargo --remap-path-prefix=$PWD=." \
    cargo build --profile web -p melisma-wasm --target wasm32-unknown-unknown
gzip -9 -n -c "$target/wasm32-unknown-unknown/web/melisma_wasm.wasm" > crates/report/page/map/decoder.wasm.gz
node crates/wasm/check.mjs

#!/usr/bin/env bash
# Builds the wheel, installs it into a new environment, and tests there what was installed: pytest, every example
# of the docstrings, types against the compiled module, and the example for PyTorch.
#
#   crates/python/check.sh [FOLDER]    keeps the environment, with the wheel installed, in FOLDER
#
# Needs Python 3.10 or newer with venv, and PyPI. The program melisma, which learns the labels of a test, is taken
# from target/release if it is there.
set -euo pipefail
here="$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")"
root="$here/../.."
target="$(realpath -m "${CARGO_TARGET_DIR:-$root/target}")"

scratch="$(mktemp -d)"
trap 'rm -rf "$scratch"' EXIT
environment="${1:-$scratch/environment}"
python3 -m venv "$environment"
python="$(realpath "$environment")/bin/python"
"$python" -m pip install --quiet --disable-pip-version-check "maturin>=1.9,<2" numpy pytest mypy

"$python" -m maturin build --release --quiet --manifest-path "$here/Cargo.toml" --target-dir "$target" --out "$scratch/wheel"
wheel=("$scratch"/wheel/melisma-*-cp310-abi3-*.whl)
[[ -s "${wheel[0]}" ]] || { echo "no wheel for all Pythons from 3.10 on came out: $(ls "$scratch/wheel")"; exit 1; }
"$python" -m pip install --quiet --disable-pip-version-check --force-reinstall --no-deps "${wheel[0]}"

# Away from the sources, so that what is tested is what was installed.
cp -r "$here/tests" "$here/examples" "$scratch/"
cd "$scratch"
export PATH="$target/release:$PATH"
"$python" -m pytest -q -p no:cacheprovider tests
"$python" -m mypy.stubtest melisma
echo "$(basename "${wheel[0]}"): $(du -k "${wheel[0]}" | cut -f1) kB, tested as installed"

#!/bin/sh
# Runs every fuzz target for so many seconds, one after the other, and sums up what came of it.
#
#   fuzz/run.sh SECONDS [TARGET...]      JOBS=2 fuzz/run.sh ...   (two targets side by side)
#   SEEDS=FOLDER fuzz/run.sh ...         small files of any formats, for the readers to begin with
#
# Needs cargo-fuzz and a nightly compiler; without one: RUSTC_BOOTSTRAP=1 TOOLCHAIN= fuzz/run.sh ...
# Ends with 1 if a target crashed; the input that did it lies under
# fuzz/artifacts/TARGET/ and is run again with: cargo +nightly fuzz run TARGET fuzz/artifacts/TARGET/FILE
set -eu
cd "$(dirname "$0")"
seconds=${1:?usage: run.sh SECONDS [TARGET...]}
shift
readers="read_wav read_aiff read_flac read_ogg read_mpeg read_matroska read_mp4"
[ $# -gt 0 ] || set -- header decoder encode_decode latent retag $readers

# A nightly compiler, or the stable one that is told to be one.
toolchain=${TOOLCHAIN-+nightly}
cargo $toolchain fuzz build

fuzz_one() {
    target=$1
    mkdir -p "corpus/$target" "artifacts/$target"
    # The targets hold valid files of their own; a byte of each mode leads into them.
    for mode in 000 001 002 003 005 006 007 011 013 201 203; do
        printf "\\$mode" >"corpus/$target/mode-$mode"
    done
    printf '\001\000\003\010\001' >"corpus/$target/edit"
    # Small files of every format for the readers; the first byte keeps them as they are.
    case $target in read_*)
        for file in ../crates/media/tests/fixtures/short* ../crates/media/tests/fixtures/mono* ../crates/media/tests/fixtures/stereo* ${SEEDS:+"$SEEDS"/*}; do
            { printf '\000'; head -c 8000 "$file"; } >"corpus/$target/$(basename "$file")"
        done
        ;;
    esac
    # Whole files for the decoders; for sounds, the same bytes as so many dice.
    for vector in ../tests/vectors/*.mlsm; do
        name=$(basename "$vector" .mlsm)
        if [ "$target" = encode_decode ]; then
            head -c 9000 "$vector" | split -b 300 - "corpus/$target/$name-"
        else
            { printf '\000'; cat "$vector"; } >"corpus/$target/$name"
        fi
    done
    if cargo $toolchain fuzz run "$target" "corpus/$target" -- \
        -max_total_time="$seconds" -max_len=8192 -len_control=20 -timeout=20 -rss_limit_mb=2048 -malloc_limit_mb=1500 -print_final_stats=1 \
        >"artifacts/$target.log" 2>&1; then
        outcome=ok
    else
        outcome=CRASHED
    fi
    executions=$(sed -n 's/^stat::number_of_executed_units: *//p' "artifacts/$target.log")
    rate=$(sed -n 's/^stat::average_exec_per_sec: *//p' "artifacts/$target.log")
    peak=$(sed -n 's/^stat::peak_rss_mb: *//p' "artifacts/$target.log")
    cover=$(sed -n 's/.* cov: \([0-9]*\) ft: \([0-9]*\) .*/\1 edges, \2 features/p' "artifacts/$target.log" | tail -1)
    # The second line is of the programs that this shell has run.
    times >"artifacts/$target.times"
    cpu=$(sed -n 2p "artifacts/$target.times")
    echo "$target: $outcome, CPU (user, system) $cpu, ${executions:-?} runs, ${rate:-?}/s, ${cover:-nothing covered}, peak ${peak:-?} MB"
    [ "$outcome" = ok ] || tail -30 "artifacts/$target.log"
    [ "$outcome" = ok ]
}

failed=0
jobs=${JOBS:-1}
running=
for target; do
    fuzz_one "$target" &
    running="$running $!"
    set -- $running
    if [ $# -ge "$jobs" ]; then
        wait "$1" || failed=1
        shift
        running="$*"
    fi
done
for job in $running; do
    wait "$job" || failed=1
done
exit $failed

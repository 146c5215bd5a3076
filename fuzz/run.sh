#!/bin/sh
# Fuzz targets, one after the other: for so many seconds, or only what is kept of earlier runs.
#
#   fuzz/run.sh SECONDS [TARGET...]      JOBS=2 fuzz/run.sh ...   (two targets side by side)
#   SEEDS=FOLDER fuzz/run.sh ...         small files of any formats, for the readers to begin with
#   fuzz/run.sh replay [TARGET...]       what a target begins with and what lies in fuzz/seeds, each input once: always the same
#   fuzz/run.sh keep [TARGET...]         puts the smallest inputs that reach what fuzz/corpus reaches into fuzz/seeds
#
# Needs cargo-fuzz and a nightly compiler; without one: RUSTC_BOOTSTRAP=1 TOOLCHAIN= fuzz/run.sh ...
# Ends with 1 if a target crashed; the input that did it lies under fuzz/artifacts/TARGET/ and is run again with:
# cargo +nightly fuzz run TARGET fuzz/artifacts/TARGET/FILE. Mended, it goes to fuzz/seeds/TARGET/fault-NAME, where it stays.
# What a run for a time took and found is added to the table in docs/results/fuzzing.md.
set -eu
cd "$(dirname "$0")"
task=${1:?usage: run.sh SECONDS|replay|keep [TARGET...]}
shift
readers="read_wav read_aiff read_flac read_ogg read_mpeg read_matroska read_mp4"
[ $# -gt 0 ] || set -- header decoder encode_decode latent retag $readers
results=../docs/results/fuzzing.md
# The most that is kept of a target, beside inputs that found a fault.
kept_bytes=50000
# Seconds by the clock for one input: more on a machine that is busy with other work.
limits="-max_len=8192 -timeout=${TIMEOUT:-60} -rss_limit_mb=2048 -malloc_limit_mb=1500"

# A nightly compiler, or the stable one that is told to be one.
toolchain=${TOOLCHAIN-+nightly}
cargo $toolchain fuzz build

# Fills a folder with what a target begins with.
begin_corpus() {
    target=$1
    folder=$2
    mkdir -p "$folder" "artifacts/$target" "seeds/$target"
    # The targets hold valid files of their own; a byte of each mode leads into them.
    for mode in 000 001 002 003 005 006 007 011 013 201 203; do
        printf "\\$mode" >"$folder/mode-$mode"
    done
    printf '\001\000\003\010\001' >"$folder/edit"
    # Small files of every format for the readers; the first byte keeps them as they are.
    case $target in read_*)
        for file in ../crates/media/tests/fixtures/short* ../crates/media/tests/fixtures/mono* ../crates/media/tests/fixtures/stereo* ${SEEDS:+"$SEEDS"/*}; do
            { printf '\000'; head -c 8000 "$file"; } >"$folder/$(basename "$file")"
        done
        ;;
    esac
    # Whole files for the decoders; for sounds, the same bytes as so many dice.
    for vector in ../tests/vectors/*.mlsm; do
        name=$(basename "$vector" .mlsm)
        if [ "$target" = encode_decode ]; then
            head -c 9000 "$vector" | split -b 300 - "$folder/$name-"
        else
            { printf '\000'; cat "$vector"; } >"$folder/$name"
        fi
    done
}

# Adds a run to the table: target, CPU seconds, runs, edges, crashes.
record() {
    awk -v target="$1" -v cpu="$2" -v runs="$3" -v edges="$4" -v crashes="$5" '
        BEGIN { FS = " *[|] *" }
        function row(cpu, runs, edges, crashes) {
            printf "| %s | %.0f | %d | %d | %d |\n", target, cpu, runs, edges, crashes
        }
        /^<!-- table/ { inside = 1 }
        inside && $2 == target { row($3 + cpu, $4 + runs, (edges > $5 ? edges : $5), $6 + crashes); done = 1; next }
        /^<!-- end of table/ { if (!done) row(cpu, runs, edges, crashes); inside = 0 }
        { print }
    ' "$results" >"$results.partial"
    mv "$results.partial" "$results"
}

# How many inputs that a target fails on lie there. Slow ones are none: on a busy machine all are slow.
faults() {
    find "artifacts/$1" -type f ! -name 'slow-unit-*' | wc -l
}

fuzz_one() {
    target=$1
    begin_corpus "$target" "corpus/$target"
    before=$(faults "$target")
    if cargo $toolchain fuzz run "$target" "corpus/$target" "seeds/$target" -- \
        -max_total_time="$task" -len_control=20 $limits -print_final_stats=1 >"artifacts/$target.log" 2>&1; then
        outcome=ok
    else
        outcome=CRASHED
    fi
    executions=$(sed -n 's/^stat::number_of_executed_units: *//p' "artifacts/$target.log")
    peak=$(sed -n 's/^stat::peak_rss_mb: *//p' "artifacts/$target.log")
    edges=$(sed -n 's/.* cov: \([0-9]*\) ft: .*/\1/p' "artifacts/$target.log" | tail -1)
    crashes=$(($(faults "$target") - before))
    # The second line is of the programs that this shell has run.
    times >"artifacts/$target.times"
    cpu=$(sed -n 2p "artifacts/$target.times" | tr 'ms' '  ' | awk '{ print 60 * $1 + $2 + 60 * $3 + $4 }')
    record "$target" "$cpu" "${executions:-0}" "${edges:-0}" "$crashes"
    echo "$target: $outcome, $cpu s of CPU, ${executions:-?} runs, ${edges:-no} edges, peak ${peak:-?} MB"
    [ "$outcome" = ok ] || tail -30 "artifacts/$target.log"
    [ "$outcome" = ok ]
}

replay_one() {
    target=$1
    rm -rf "corpus/$target.begin"
    begin_corpus "$target" "corpus/$target.begin"
    # Of the dice, the first of each file: sounds are coded slowly here.
    if [ "$target" = encode_decode ]; then
        find "corpus/$target.begin" -name '*-a[b-z]' -exec rm {} +
    fi
    if cargo $toolchain fuzz run "$target" "corpus/$target.begin" "seeds/$target" -- -runs=0 $limits -timeout=600 >"artifacts/$target.log" 2>&1; then
        echo "$target: ok, $(ls "corpus/$target.begin" "seeds/$target" | wc -l) inputs"
    else
        echo "$target: CRASHED"
        tail -30 "artifacts/$target.log"
        return 1
    fi
}

keep_one() {
    target=$1
    begin_corpus "$target" "corpus/$target"
    rm -rf "corpus/$target.least"
    mkdir "corpus/$target.least"
    cargo $toolchain fuzz run "$target" "corpus/$target.least" "corpus/$target" "seeds/$target" -- \
        -merge=1 $limits >"artifacts/$target.log" 2>&1 || { tail -30 "artifacts/$target.log"; return 1; }
    find "seeds/$target" -type f ! -name 'fault-*' -exec rm {} +
    # Small ones first: the most inputs for the room that there is.
    ls -Sr "corpus/$target.least" | while read -r name; do
        cp "corpus/$target.least/$name" "seeds/$target/$name"
        [ "$(cat "seeds/$target"/* | wc -c)" -le "$kept_bytes" ] || { rm "seeds/$target/$name"; break; }
    done
    rm -rf "corpus/$target.least"
    echo "$target: $(ls "seeds/$target" | wc -l) inputs, $(cat "seeds/$target"/* | wc -c) bytes"
}

case $task in
replay) one=replay_one ;;
keep) one=keep_one ;;
*) one=fuzz_one ;;
esac

failed=0
jobs=${JOBS:-1}
running=
for target; do
    "$one" "$target" &
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

#!/usr/bin/env bash
# Trains one network by two processes under MPI, and fails where that is not the training of one process: the same losses,
# a killed process ends the job, the job goes on from its checkpoint to the very bytes of one that was not killed, and
# processes that do not belong together are refused. Writes what it measured to scale/measured/mpi.json.
#
#   MELISMA=target/release/melisma scale/try_mpi.sh WORK [STEPS]
#
# Needs a program built with the feature mpi, and mpirun of Open MPI. Music is synthesised. STEPS [30] of the study's
# smallest network in the frequency domain are timed.
set -euo pipefail
here="$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")"
[[ $# -ge 1 ]] || { sed -n '2,/^set/s/^# \{0,1\}//p' "$0" | head -n -1; exit 2; }
mkdir -p "$1"
work="$(realpath "$1")"
steps="${2:-30}"
program="$(realpath "${MELISMA:-$(command -v melisma)}")"
cd "$work"
rm -rf one two whole killed other uneven apart timed-one timed-two ./*.out
[[ -d Toy ]] || "$program" data synth Toy --tracks 20 --seconds 20 --quiet

# Processes are not bound to processors, for other work may be on them; a thread each.
start=(mpirun --allow-run-as-root --oversubscribe --bind-to none)
ranks() { "${start[@]}" "$@"; }
common=(--data Toy --cache cache -j 1 --quiet)
small=("$program" train "$here/../configs/families/shallow.toml" "${common[@]}" --set data.batch_size=8 --set run.checkpoint_every=20)
short=("${small[@]}" --set run.steps=60)
long=("${small[@]}" --set run.steps=1500 --set run.validate_every=5000)

echo "== one process, and two that share its batches"
"${short[@]}" -o one
ranks -np 2 "${short[@]}" -o two --mpi
python3 "$here/try_mpi.py" same one two

echo "== one of two is killed; the job ends, and goes on from its checkpoint"
ranks -np 2 "${long[@]}" -o whole --mpi
"${start[@]}" -np 2 "${long[@]}" -o killed --mpi > killed.out 2>&1 &
job=$!
until [[ -n "$(find killed/checkpoint -name '*.safetensors' 2> /dev/null)" ]]; do kill -0 "$job"; sleep 0.05; done
# The last of its processes: the first writes files, and this is the other.
kill -9 "$(pgrep -P "$job" -x "$(basename "$program" | cut -c1-15)" | tail -1)"
if timeout 60 tail --pid="$job" -f /dev/null && wait "$job"; then echo "the job did not fail"; exit 1; fi
[[ ! -e killed/model ]] || { echo "the job was killed too late"; exit 1; }
echo "killed; $(find killed/checkpoint -name '*.safetensors' | sort | tail -1) is there"
ranks -np 2 "${long[@]}" -o killed --mpi
diff -r whole/model killed/model
python3 "$here/try_mpi.py" state whole killed

echo "== refused: another config, and the state of another training"
must_fail() {
    local words="$1" code=0
    shift
    timeout 60 "${start[@]}" "$@" > refused.out 2>&1 || code=$?
    [[ "$code" != 0 && "$code" != 124 ]] && grep -q "$words" refused.out || { cat refused.out; echo "not refused ($code): $words"; exit 1; }
}
more=("${small[@]}" --set run.steps=60 --mpi)
must_fail "holds a run of another config" -np 1 "${more[@]}" -o other : -np 1 "${more[@]}" --set optimiser.learning_rate=0.1 -o other
must_fail "shared evenly" -np 2 "${small[@]}" --set run.steps=60 --set data.batch_size=3 --mpi -o uneven
for folder in one two; do rm -r "$folder/model" "$folder/checkpoint/0000000060.safetensors"; done
must_fail "have different weights" -np 1 "${more[@]}" -o two : -np 1 "${more[@]}" -o one

echo "== time"
timed=("$program" train "$here/../configs/study/freq-ae-32.toml" "${common[@]}" --set "run.steps=$steps" --set run.validate_every=100000 --set run.checkpoint_every=100000 --set run.fitted_clips=1)
load="$(cut -d' ' -f1 /proc/loadavg)"
"${timed[@]}" -o timed-one
ranks -np 2 "${timed[@]}" -o timed-two --mpi
python3 "$here/try_mpi.py" speed timed-one timed-two "$load" "$here/measured/mpi.json"
echo "all of it holds"

#!/usr/bin/env bash
# Tries scale/ray_archive.py with real Ray nodes on this machine, each of one processor, and fails where it does not hold
# what it promises: a node killed in the middle, a job killed in the middle, broken files, the same job once more, and an
# object store where moto is installed. Writes what it measured to scale/measured/ray.json.
#
#   PYTHON=venv/bin/python MELISMA=target/release/melisma scale/try_ray.sh MUSIC WORK [TRACKS]
#
# MUSIC is a folder of audio files, of which the first TRACKS [24] are taken. PYTHON has the wheel of crates/python and
# "ray[data]"; with s3fs and "moto[server]" as well, archive and results lie in an object store once.
set -euo pipefail
here="$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")"
[[ $# -ge 2 ]] || { sed -n '2,/^set/s/^# \{0,1\}//p' "$0" | head -n -1; exit 2; }
music="$(realpath "$1")"
mkdir -p "$2"
work="$(realpath "$2")"
tracks="${3:-24}"
python="$(realpath -s "${PYTHON:-$(command -v python3)}")"
program="$(realpath "${MELISMA:-$(command -v melisma)}")"
ray="$(dirname "$python")/ray"
port="${PORT:-6411}"
# Tasks at the priority of whoever starts this: Ray gives them the lowest otherwise.
export RAY_worker_niceness=0 RAY_AUTH_MODE=disabled RAY_USAGE_STATS_ENABLED=0 PYTHONWARNINGS=ignore
for used in "$port" $((port + 1)); do
    if (exec 3<> "/dev/tcp/127.0.0.1/$used") 2> /dev/null; then echo "port $used is in use: PORT=... names another, and the next"; exit 1; fi
done
cd "$work"
rm -rf archive changed one two node job job-changed nobody s3 ./*.log

declare -A nodes=()
# Each node is a session of processes, of which none but its own are ever ended.
node() {
    local name="$1"
    shift
    setsid "$ray" start "$@" --num-cpus=1 --object-store-memory=100000000 --disable-usage-stats --block > "$name.log" 2>&1 &
    nodes[$name]=$!
}
alive() { "$python" -c 'import ray, sys; ray.init(address=sys.argv[1], log_to_driver=False, logging_level="error"); print(sum(n["Alive"] for n in ray.nodes()))' "127.0.0.1:$port" 2> /dev/null || echo 0; }
start() {
    local wanted="$1" waited=0
    node first --head --node-ip-address=127.0.0.1 --port="$port" --include-dashboard=false
    until [[ "$(alive)" == 1 ]]; do ((waited++ < 40)) || { cat first.log; exit 1; }; done
    if ((wanted == 2)); then
        node second --address="127.0.0.1:$port" --node-ip-address=127.0.0.1
        until [[ "$(alive)" == 2 ]]; do ((waited++ < 40)) || { cat second.log; exit 1; }; done
    fi
}
stop() {
    local name waited
    for name in "${!nodes[@]}"; do
        kill "${nodes[$name]}" 2> /dev/null || true
        for waited in {1..30}; do pgrep -s "${nodes[$name]}" > /dev/null || break; sleep 1; done
        pkill -KILL -s "${nodes[$name]}" || true
        unset "nodes[$name]"
    done
    wait 2> /dev/null || true
}
trap stop EXIT
job() { "$python" "$here/ray_archive.py" "$1" "$2" --address "127.0.0.1:$port" --program "$program" --batch 2 "${@:3}"; }
# Waits until so many batches are done there, or the process has ended.
until_done() { while kill -0 "$3" 2> /dev/null && (($(find "$1/rows" -name '*.parquet' 2> /dev/null | wc -l) < $2)); do sleep 0.2; done; }

mkdir archive
find "$music" -type f -print0 | sort -z | head -zn "$tracks" | xargs -0 cp -t archive
# One that is no music, one that is cut off, and one whose name is not UTF-8.
head -c 5000 /dev/urandom > archive/noise.mp3
head -c 50000 "$(find archive -type f ! -name noise.mp3 | sort | head -1)" > archive/short.mp3
cp archive/short.mp3 "$(printf 'archive/na\xefve.mp3')"
batches=$(((tracks + 4) / 2))

echo "== one node"
load="$(cut -d' ' -f1 /proc/loadavg)"
start 1
job archive one
stop

echo "== two nodes"
start 2
job archive two

echo "== two nodes, of which one is killed"
job archive node > node.out 2>&1 &
running=$!
until_done node $((batches / 3)) "$running"
# While both nodes have a task, so that one is lost.
until "$python" "$here/try_ray.py" busy node 2; do kill -0 "$running"; sleep 0.1; done
pgrep -s "${nodes[second]}" -x raylet > killed.pid
kill -9 "$(cat killed.pid)"
at_kill="$(find node/rows -name '*.parquet' | wc -l)"
wait "$running" || { cat node.out; exit 1; }
tail -2 node.out
stop

echo "== the job killed, and started again"
start 2
job archive job > job.out 2>&1 &
running=$!
until_done job $((batches / 3)) "$running"
# Of the two processes the one that has the other as its child.
kill -9 "$(pgrep -P "$running" -f ray_archive.py || echo "$running")"
wait "$running" 2> /dev/null || true
job archive job

echo "== the same once more: nothing is left to do"
before="$(find job/log -name '*.json' | wc -l)"
job archive job
[[ "$(find job/log -name '*.json' | wc -l)" == "$before" ]] || { echo "something was done again"; exit 1; }

echo "== another bitrate is refused; a source of another size is done anew, and it alone"
if job archive job --bitrate 32k; then echo "two bitrates in one folder"; exit 1; fi
echo "== a node without the program stops the job, and makes no rows of it"
if job archive nobody --program /nowhere/melisma > nobody.out 2>&1; then echo "it was not stopped"; exit 1; fi
grep -q "^stopped after 0 tracks: .*/nowhere/melisma cannot be run" nobody.out || { cat nobody.out; exit 1; }
[[ ! -e nobody/rows && ! -e nobody/tracks.parquet ]]
cp -r archive changed
cp -r job job-changed
head -c 60000 "$(find archive -type f ! -name noise.mp3 | sort | head -1)" > changed/short.mp3
job changed job-changed | tee changed.out
grep -q "^1 tracks in" changed.out

if "$python" -c 'import moto.server, s3fs' 2> /dev/null; then
    echo "== archive and results in an object store"
    export AWS_ACCESS_KEY_ID=none AWS_SECRET_ACCESS_KEY=none AWS_ENDPOINT_URL="http://127.0.0.1:$((port + 1))" AWS_DEFAULT_REGION=us-east-1
    stop
    setsid "$python" -m moto.server -H 127.0.0.1 -p "$((port + 1))" > moto.log 2>&1 &
    nodes[store]=$!
    "$python" "$here/try_ray.py" put archive s3://melisma/archive 8
    start 2
    job s3://melisma/archive s3://melisma/out
    job s3://melisma/archive s3://melisma/out
    "$python" "$here/try_ray.py" get s3://melisma/out s3
fi
stop

"$python" "$here/try_ray.py" check . "$batches" "$at_kill" "$load" "$here/measured/ray.json"

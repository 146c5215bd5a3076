#!/usr/bin/env bash
# Runs scale/encode-and-index.sbatch under a Slurm of its own on this machine, and fails where its results are not those of
# one process: undisturbed, and with a task killed in the middle and sent again.
#
#   MELISMA=target/release/melisma scale/try_slurm.sh MUSIC WORK [TRACKS]
#
# MUSIC is a folder of audio files, of which the first TRACKS [60] are taken. Needs root, and slurm-wlm and munge of Debian;
# neither is set up, started or changed as the system's: key, sockets, ports and state are this script's, below WORK.
set -euo pipefail
here="$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")"
[[ $# -ge 2 ]] || { sed -n '2,/^set/s/^# \{0,1\}//p' "$0" | head -n -1; exit 2; }
music="$(realpath "$1")"
mkdir -p "$2"
work="$(realpath "$2")"
tracks="${3:-60}"
# Tasks find the program by its name, as on a cluster.
mkdir -p "$work/bin"
ln -sf "$(realpath "${MELISMA:-$(command -v melisma)}")" "$work/bin/melisma"
export PATH="$work/bin:$PATH" SLURM_CONF="$work/slurm.conf"
cd "$work"
rm -rf archive one slurm killed state spool ./*.log ./*.out
mkdir -p state spool

daemons=()
stop() {
    local daemon
    scancel --quiet --user=root 2> /dev/null || true
    for daemon in "${daemons[@]}"; do kill "$daemon" 2> /dev/null || true; done
    wait 2> /dev/null || true
}
trap stop EXIT

head -c 1024 /dev/urandom > munge.key
chmod 400 munge.key
munged --foreground --force --socket="$work/munge.socket" --key-file="$work/munge.key" --pid-file="$work/munge.pid" \
    --log-file="$work/munge.log" --seed-file="$work/munge.seed" > munged.log 2>&1 &
daemons+=($!)
host="$(hostname -s)"
cat > slurm.conf << END
ClusterName=melisma
SlurmctldHost=$host(127.0.0.1)
SlurmUser=root
SlurmctldPort=16817
SlurmdPort=16818
AuthType=auth/munge
AuthInfo=socket=$work/munge.socket
CredType=cred/munge
StateSaveLocation=$work/state
SlurmdSpoolDir=$work/spool
SlurmctldPidFile=$work/slurmctld.pid
SlurmdPidFile=$work/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
ReturnToService=2
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerParameters=batch_sched_delay=0,sched_interval=2
NodeName=$host NodeAddr=127.0.0.1 CPUs=$(nproc) RealMemory=8192 State=UNKNOWN
PartitionName=all Nodes=$host Default=YES MaxTime=INFINITE State=UP
END
slurmctld -D -f "$SLURM_CONF" > slurmctld.log 2>&1 &
daemons+=($!)
slurmd -D -N "$host" -f "$SLURM_CONF" > slurmd.log 2>&1 &
daemons+=($!)
for waited in {1..60}; do
    if [[ "$(sinfo --noheader --format=%T 2> /dev/null)" == idle ]]; then break; fi
    [[ "$waited" != 60 ]] || { echo "Slurm does not start:"; tail -5 munged.log slurmctld.log slurmd.log; exit 1; }
    sleep 1
done
sinfo --version

send() { sbatch --parsable --cpus-per-task=1 --output="$work/%A-%a.out" "$@"; }
# Waits until none of a job's tasks is waiting or running.
ended() {
    local waited
    for waited in {1..600}; do
        if [[ -z "$(squeue --noheader --jobs="$1" 2> /dev/null)" ]]; then return; fi
        sleep 1
    done
    squeue
    exit 1
}
same() {
    # What was half written when it was killed stays for a while, under a name that nothing reads.
    diff -r --exclude=.melisma --exclude='.*.partial' one "$1"
    diff <(melisma index one --json | sort) <(melisma index "$1" --json | sort)
}

mkdir archive
find "$music" -type f -print0 | sort -z | head -zn "$tracks" | xargs -0 cp -t archive
melisma encode archive -o one --quiet
melisma index one

echo "== four tasks, then the merge"
first="$(send --array=1-4 "$here/encode-and-index.sbatch" "$work/archive" "$work/slurm" 4)"
merge="$(send --dependency="afterany:$first" --wrap "melisma index $work/slurm --merge $work/slurm/.melisma/index-*-of-4")"
ended "$first,$merge"
for part in 1 2 3 4; do [[ -s "slurm/.melisma/index-$part-of-4" ]] || { cat ./*.out; echo "part $part has no index"; exit 1; }; done
same slurm

echo "== one of four is killed, and sent again"
first="$(send --array=1-4 "$here/encode-and-index.sbatch" "$work/archive" "$work/killed" 4)"
victim=""
for waited in {1..600}; do
    # Once it has done something, so that something can be lost.
    victim="$(pgrep -f "melisma encode $work/archive -o $work/killed --shard 2/4" | head -1 || true)"
    if [[ -n "$victim" && -n "$(find killed -name '*.mlsm' 2> /dev/null | head -1)" ]] && kill -9 "$victim"; then break; fi
    sleep 0.2
done
ended "$first"
state="$(scontrol show job "${first}_2" | grep -o 'JobState=[A-Z]*')"
missing="$((tracks - $(find killed -name '*.mlsm' | wc -l)))"
echo "killed task: $state, $missing of $tracks files missing"
[[ "$state" == JobState=FAILED && "$missing" -gt 0 ]] || { echo "nothing was killed"; exit 1; }
again="$(send --array=2 "$here/encode-and-index.sbatch" "$work/archive" "$work/killed" 4)"
merge="$(send --dependency="afterany:$again" --wrap "melisma index $work/killed --merge $work/killed/.melisma/index-*-of-4")"
ended "$again,$merge"
same killed
echo "all of it holds: $tracks tracks, $(sinfo --version)"

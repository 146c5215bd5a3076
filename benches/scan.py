#!/usr/bin/env python3
"""Speed of `melisma data scan` beside Python loading the same files, in one run: interleaved repetitions, medians.

    cargo build --release
    python3 benches/scan.py FOLDER... [--repeats 3] [--out docs/results/scan.md]

Needs librosa and soundfile in this Python. A scan reads each file, decodes it, and takes the SHA-256 of its bytes, a
hash of its sound, its length, loudness (EBU R128) and silence, and tags. The others do less: see WAYS. Processes are pinned to one
core for one job and to two for two. "Loading" leaves out Python's start and its imports, "whole program" has all.
"""
import argparse, datetime, hashlib, json, os, platform, resource, statistics, subprocess, sys, tempfile, time

import result

EXTENSIONS = (".wav", ".aif", ".aiff", ".flac", ".mp3", ".ogg", ".opus", ".m4a")
SCAN = "melisma data scan"
WAYS = {
    "librosa.load(file)": "its defaults: mono, resampled to 22,050 Hz",
    "librosa.load(file, sr=None)": "mono; and SHA-256, length",
    "soundfile.read(file)": "decoding alone; and SHA-256, length",
}


def files_below(folders):
    return sorted(os.path.join(at, name) for folder in folders for at, _, names in os.walk(folder)
                  for name in names if name.lower().endswith(EXTENSIONS))


def load_one(job):
    """What one of WAYS does with one file: its seconds."""
    file, way = job
    if way.startswith("soundfile"):
        import soundfile
        samples, rate = soundfile.read(file, dtype="float32")
    else:
        import librosa, warnings
        warnings.simplefilter("ignore")
        samples, rate = librosa.load(file, sr=None) if "sr=None" in way else librosa.load(file)
    if way != "librosa.load(file)":
        with open(file, "rb") as whole:
            hashlib.sha256(whole.read()).hexdigest()
    return (len(samples) if way.startswith("soundfile") else samples.shape[-1]) / rate


def load_all(listed, jobs, way):
    """The child: loads every file, prints CPU and wall seconds of that alone."""
    import multiprocessing
    work = [(file, way) for file in open(listed).read().split("\n") if file]
    used = lambda: sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    load_one(work[0])  # imports, and what is put off until the first call
    cpu, start = used(), time.monotonic()
    if jobs == 1:
        seconds = [load_one(job) for job in work]
    else:
        # Forked after the imports, so that the workers start with everything loaded.
        with multiprocessing.get_context("fork").Pool(jobs) as pool:
            seconds = pool.map(load_one, work, chunksize=4)
            pool.close()
            pool.join()
    print(used() - cpu, time.monotonic() - start, sum(seconds))


def run(command, cores):
    """(CPU seconds, wall seconds, stdout) of a program with all its children."""
    start = time.monotonic()
    child = subprocess.Popen(["taskset", "-c", cores, *command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.DEVNULL, text=True)
    told = child.stdout.read()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        sys.exit(f"{' '.join(command)}: exit status {child.returncode}")
    return usage.ru_utime + usage.ru_stime, time.monotonic() - start, told


def scan(options, work, jobs, cores):
    """The four columns of a scan, for which loading is everything, and the seconds of music."""
    cpu = wall = seconds = 0.0
    for number, folder in enumerate(options.folders):
        out = os.path.join(work, f"{number}.jsonl")
        if os.path.exists(out):
            os.remove(out)
        used = run([options.melisma, "--quiet", "data", "scan", folder, "-o", out, "-j", str(jobs)], cores)
        cpu, wall = cpu + used[0], wall + used[1]
        with open(out) as lines:
            next(lines)
            seconds += sum(json.loads(line).get("seconds", 0) for line in lines)
    return cpu, wall, cpu, wall, seconds


def load(listed, jobs, cores, way):
    """The four columns of one of WAYS, and the seconds of music."""
    cpu, wall, told = run([sys.executable, __file__, "--load", listed, str(jobs), way], cores)
    loading = [float(word) for word in told.split()]
    return loading[0], loading[1], cpu, wall, loading[2]


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("folders", nargs="*")
    options.add_argument("--repeats", type=int, default=3)
    options.add_argument("--load", nargs=3, help=argparse.SUPPRESS)
    result.add_options(options)
    options = options.parse_args()
    if options.load:
        load_all(options.load[0], int(options.load[1]), options.load[2])
        return
    import librosa, soundfile
    files = files_below(options.folders)
    rows = [(name, jobs) for jobs in (1, 2) for name in (SCAN, *WAYS)]
    measured = {row: [] for row in rows}
    with tempfile.TemporaryDirectory() as work:
        listed = os.path.join(work, "files")
        with open(listed, "w") as out:
            out.write("\n".join(files))
        for file in files:  # into the page cache, for everyone
            open(file, "rb").read()
        for _ in range(options.repeats):
            for name, jobs in rows:
                cores = "0" if jobs == 1 else "0,1"
                one = scan(options, work, jobs, cores) if name == SCAN else load(listed, jobs, cores, name)
                measured[name, jobs].append(one)
    median = lambda row, column: statistics.median(one[column] for one in measured[row])
    seconds = median((SCAN, 1), 4)
    for row in rows:
        # Encoder padding and its removal: each decoder has its own idea of the ends of an MP3.
        if abs(median(row, 4) - seconds) > 0.1 * len(files):
            sys.exit(f"{row} loads {median(row, 4):.0f} s of {seconds:.0f} s")
    lines = [
        f"{len(files)} files, {seconds / 3600:.2f} h of music; medians of {options.repeats} interleaved runs; librosa "
        f"{librosa.__version__}, soundfile {soundfile.__version__} with {soundfile.__libsndfile_version__}. {platform.machine()}, {os.cpu_count()} cores, "
        f"load {os.getloadavg()[0]:.1f} at the end, {datetime.date.today()}.",
        "",
        "A scan decodes and takes SHA-256, a hash of the sound, length, loudness, silence and tags. "
        + "; ".join(f"`{name}`: {what}" for name, what in WAYS.items())
        + ". \"Loading\" leaves out the start of Python and its imports.",
        "",
        "| program | jobs | loading, CPU s | loading, wall s | whole program, CPU s | whole program, wall s |",
        "|---|---|---|---|---|---|"]
    for row in rows:
        cells = " | ".join(f"{median(row, column):.1f}" for column in range(4))
        lines.append(f"| {row[0]} | {row[1]} | {cells} |")
    lines += ["", "How many times as fast the scan is:", "",
              "| against | loading, CPU | loading, wall | whole program, CPU | whole program, wall |", "|---|---|---|---|---|"]
    for name in WAYS:
        for theirs, ours in ((1, 1), (2, 2), (1, 2)):
            cells = " | ".join(f"{median((name, theirs), column) / median((SCAN, ours), column):.2f}" for column in range(4))
            lines.append(f"| {name}, jobs: {theirs}; a scan with {ours} | {cells} |")
    lines += ["", f"Made by `python3 benches/scan.py {' '.join(os.path.basename(folder.rstrip('/')) for folder in options.folders)} "
              f"--repeats {options.repeats}`."]
    result.publish(lines, options.out)


main()

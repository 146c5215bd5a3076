#!/usr/bin/env python3
"""Speed of encoding and decoding beside LAME and Opus, in one run: interleaved repetitions, medians.

    cargo build --release
    python3 benches/speed.py SONG.wav [--seconds 300] [--repeats 5] [--out docs/results/speed.md]

SONG is repeated or cut to the length asked for (44.1 kHz stereo, 16 bit). One thread is measured in CPU seconds
(user and system) of a process pinned to one core; two threads in wall time against one, so that one needs an idle
machine. `lame`, `opusenc` and `opusdec` are measured when they are installed.
"""
import argparse, datetime, os, platform, shutil, statistics, subprocess, sys, tempfile, time, wave

import result


def repeated(source, target, seconds):
    with wave.open(source) as song:
        assert (song.getframerate(), song.getnchannels(), song.getsampwidth()) == (44100, 2, 2), \
            "the song must be 44.1 kHz stereo 16-bit WAV"
        frames = song.readframes(song.getnframes())
    wanted = int(seconds * 44100) * 4
    with wave.open(target, "wb") as out:
        out.setnchannels(2), out.setsampwidth(2), out.setframerate(44100)
        out.writeframes((frames * (wanted // len(frames) + 1))[:wanted])


def run(command, cores):
    """(cpu seconds, wall seconds) of one command on the given cores."""
    start = time.monotonic()
    child = subprocess.Popen(["taskset", "-c", cores, *command], stdin=subprocess.DEVNULL,
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        sys.exit(f"{' '.join(command)}: exit status {child.returncode}")
    return usage.ru_utime + usage.ru_stime, time.monotonic() - start


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("song")
    options.add_argument("--seconds", type=float, default=300)
    options.add_argument("--repeats", type=int, default=5)
    result.add_options(options)
    options = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        at = lambda name: os.path.join(folder, name)
        repeated(options.song, at("in.wav"), options.seconds)
        ours = [options.melisma, "--quiet"]
        jobs = {
            "melisma encode, quality 5": (ours + ["encode", "--force", "-j1", at("in.wav"), "-o", at("a.mlsm")], "0"),
            "melisma decode": (ours + ["decode", "--force", "-j1", at("a.mlsm"), "-o", at("a.wav")], "0"),
            "melisma encode, two threads": (ours + ["encode", "--force", "-j2", at("in.wav"), "-o", at("a2.mlsm")], "0,1"),
            "melisma decode, two threads": (ours + ["decode", "--force", "-j2", at("a.mlsm"), "-o", at("a2.wav")], "0,1"),
        }
        for kbps in (16, 32, 64, 96):
            command = ours + ["encode", "--force", "-j1", "-b", f"{kbps}k", at("in.wav"), "-o", at("b.mlsm")]
            jobs[f"melisma encode -b {kbps}k"] = (command, "0")
        if shutil.which("opusenc"):
            jobs["opusenc --bitrate 64"] = (["opusenc", "--quiet", "--bitrate", "64", at("in.wav"), at("b.opus")], "0")
            jobs["opusdec"] = (["opusdec", "--quiet", at("b.opus"), at("b.wav")], "0")
        if shutil.which("lame"):
            jobs["lame --abr 64"] = (["lame", "--quiet", "--abr", "64", at("in.wav"), at("c.mp3")], "0")
            jobs["lame --decode"] = (["lame", "--quiet", "--decode", at("c.mp3"), at("c.wav")], "0")
        measured = {name: [] for name in jobs}
        for _ in range(options.repeats):
            for name, (command, cores) in jobs.items():
                measured[name].append(run(command, cores))
        kbps = os.path.getsize(at("a.mlsm")) * 8e-3 / options.seconds
    median = lambda name, column: statistics.median(row[column] for row in measured[name])
    lines = [
        f"{options.seconds:.0f} s of {os.path.basename(options.song)}, 44.1 kHz stereo; medians of {options.repeats} interleaved runs; "
        f"Melisma at quality 5 ({kbps:.1f} kbit/s). {platform.machine()}, {os.cpu_count()} cores, "
        f"load {os.getloadavg()[0]:.1f} at the end, {datetime.date.today()}.",
        "", "| program | x real time, CPU seconds | x real time, wall |", "|---|---|---|"]
    for name in jobs:
        lines.append(f"| {name} | {options.seconds / median(name, 0):.1f} | {options.seconds / median(name, 1):.1f} |")
    lines.append("")
    for what, one in (("encode", "melisma encode, quality 5"), ("decode", "melisma decode")):
        ratio = median(one, 1) / median(f"melisma {what}, two threads", 1)
        lines.append(f"Two threads {what} {ratio:.2f} times as fast as one (wall).")
    lines += ["", f"Made by `python3 benches/speed.py {os.path.basename(options.song)} --seconds {options.seconds:.0f} --repeats {options.repeats}`."]
    result.publish(lines, options.out)


main()

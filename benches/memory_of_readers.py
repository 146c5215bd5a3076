#!/usr/bin/env python3
"""Peak memory of encoding a long file of each format that is read here, from a file and from a pipe.

    cargo build --release
    python3 benches/memory_of_readers.py [--hours 3] [--out docs/results/memory.md]

The files are pink noise of one channel at 8 kHz, made by ffmpeg: what a reader might keep grows with time and with
the number of frames, packets and pages, not with the rate. The table goes behind what benches/memory.py wrote.
"""
import argparse, datetime, os, subprocess, tempfile

import result

FORMATS = {
    "wav": ["-c:a", "pcm_s16le"],
    "aiff": ["-c:a", "pcm_s16be"],
    "flac": ["-c:a", "flac"],
    "mp3": ["-c:a", "libmp3lame", "-q:a", "6"],
    "ogg": ["-c:a", "libvorbis", "-q:a", "3"],
    "opus": ["-c:a", "libopus", "-b:a", "24k"],
    "mka": ["-c:a", "flac"],
    "webm": ["-c:a", "libopus", "-b:a", "24k"],
    "m4a": ["-c:a", "aac", "-b:a", "24k"],
}
MARK = "Inputs of "


def peak(command, stdin):
    """MiB that a command holds at most."""
    child = subprocess.Popen(command, stdin=stdin, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    assert child.returncode == 0, f"{command}: {child.returncode}"
    return usage.ru_maxrss / 1024


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--hours", type=float, default=3)
    result.add_options(options)
    options = options.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        source, coded = os.path.join(folder, "source.wav"), os.path.join(folder, "out.mlsm")
        noise = f"anoisesrc=r=8000:c=pink:a=0.3:seed=1:d={options.hours * 3600:g}"
        subprocess.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", noise, "-ac", "1", source], check=True)
        for name, coding in FORMATS.items():
            file = os.path.join(folder, f"long.{name}")
            subprocess.run(["ffmpeg", "-v", "error", "-i", source, *coding, file], check=True)
            encode = [options.melisma, "--quiet", "encode", "-f", "-o", coded]
            from_file = peak([*encode, file], subprocess.DEVNULL)
            with open(file, "rb") as bytes_of_file, subprocess.Popen(["cat"], stdin=bytes_of_file, stdout=subprocess.PIPE) as cat:
                from_pipe = peak([*encode, "-"], cat.stdout)
            rows.append(f"| {name} | {os.path.getsize(file) / 2**20:.0f} | {from_file:.0f} | {from_pipe:.0f} |")
            print(rows[-1], flush=True)
            os.remove(file)
    lines = [
        f"{MARK}{options.hours:g} hours, one channel at 8 kHz, encoded at quality 5, {os.cpu_count()} threads, {datetime.date.today()}.", "",
        "| input | its size, MiB | peak memory from a file, MiB | from a pipe, MiB |", "|---|---|---|---|", *rows, "",
        f"Made by `python3 benches/memory_of_readers.py --hours {options.hours:g}`.",
    ]
    if options.out and os.path.exists(options.out):
        with open(options.out) as page:
            lines = page.read().split(MARK)[0].rstrip("\n").split("\n") + [""] + lines
    result.publish(lines, options.out)


main()

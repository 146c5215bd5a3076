#!/usr/bin/env python3
"""Measures what an hour of music costs on one core: encoding at two rates, indexing, embedding; time and bytes.

  python scale/measure.py MUSIC WORK [--program target/release/melisma]

MUSIC is a folder of audio files, of which the first ones are joined to tracks of about 4 minutes as FLAC (by ffmpeg), for
excerpts would cost more than tracks do. What counts is processor time of the program, all its threads together, which
other work on the machine lengthens far less than time on the wall. Writes scale/measured/one-core.json.
"""

import argparse
import json
import os
import platform
import resource
import shutil
import subprocess
import time
from pathlib import Path

RATES = ["16k", "64k"]
TRACKS, SECONDS = 8, 240


def processor_seconds(command):
    """Processor and wall seconds of a command."""
    before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([str(part) for part in command], check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime, time.perf_counter() - begin


def seconds_of(path):
    command = ["ffprobe", "-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0", str(path)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def joined(music, folder):
    """Tracks of about 4 minutes, made of what is there in the order of names; answers how long they are together."""
    folder.mkdir(parents=True, exist_ok=True)
    sources = iter(sorted(path for path in music.rglob("*") if path.is_file()))
    total = 0.0
    for number in range(TRACKS):
        taken, length = [], 0.0
        while length < SECONDS:
            path = next(sources, None)
            if path is None:
                raise SystemExit(f"{music}: {TRACKS} tracks of {SECONDS} s cannot be made of it")
            taken.append(path)
            length += seconds_of(path)
        inputs = [part for path in taken for part in ("-i", str(path))]
        same = "".join(f"[{n}:a]aresample=44100,aformat=channel_layouts=stereo[a{n}];" for n in range(len(taken)))
        join = same + "".join(f"[a{n}]" for n in range(len(taken))) + f"concat=n={len(taken)}:v=0:a=1"
        target = folder / f"{number:02}.flac"
        subprocess.run(["ffmpeg", "-v", "error", "-y", *inputs, "-filter_complex", join, "-sample_fmt", "s16", str(target)], check=True)
        total += seconds_of(target)
    return total


def size(folder, pattern):
    return sum(path.stat().st_size for path in folder.glob(pattern))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("music", metavar="MUSIC", type=Path)
    parser.add_argument("work", metavar="WORK", type=Path)
    parser.add_argument("--program", default="melisma")
    options = parser.parse_args()
    work, program = options.work, options.program
    shutil.rmtree(work, ignore_errors=True)
    music_s = joined(options.music, work / "music")
    load = os.getloadavg()[0]
    per_hour = lambda value: value / (music_s / 3600)
    measured = {
        "command": "python scale/measure.py MUSIC WORK --program target/release/melisma",
        "machine": f"{platform.machine()}, {os.cpu_count()} processors, load before {load:.1f}",
        "tracks": TRACKS,
        "music_s": round(music_s, 1),
        "flac_bytes_an_hour": round(per_hour(size(work / "music", "*.flac"))),
        "rates": {},
    }
    for rate in RATES:
        out = work / rate
        encode, wall = processor_seconds([program, "encode", work / "music", "-o", out, "-b", rate, "-j", "1", "--quiet"])
        # The least of three: these are short.
        index = min(processor_seconds([program, "index", out, "-j", "1", "--rebuild", "--quiet"])[0] for _ in range(3))
        embed = min(processor_seconds([program, "embed", out, "--index", work / f"none-{n}", "-o", work / f"{rate}-{n}.npz", "-j", "1", "--quiet"])[0] for n in range(3))
        measured["rates"][rate] = {
            "encode_core_s_an_hour": round(per_hour(encode), 2),
            "encode_wall_s_an_hour": round(per_hour(wall), 2),
            "index_core_s_an_hour": round(per_hour(index), 4),
            "embed_core_s_an_hour": round(per_hour(embed), 4),
            "bytes_an_hour": round(per_hour(size(out, "*.mlsm"))),
            "index_bytes_a_track": round((out / ".melisma/index").stat().st_size / TRACKS),
            "embedding_bytes_a_track": round(size(work, f"{rate}-0.npz") / TRACKS),
        }
    target = Path(__file__).parent / "measured/one-core.json"
    target.parent.mkdir(exist_ok=True)
    target.write_text(json.dumps(measured, indent=1) + "\n")
    print(json.dumps(measured, indent=1))


if __name__ == "__main__":
    main()

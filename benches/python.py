#!/usr/bin/env python3
"""Loading and featurising tracks from Python: melisma beside soundfile and librosa, on the same tracks.

  python benches/python.py MUSIC WORK [--tracks 100] [--program target/release/melisma]

MUSIC is a folder of audio files that soundfile reads. The first tracks of it, by name, are brought to FLAC and to .mlsm
in WORK, which is not timed. Then each way is timed from files to numbers, one process, files in the same order, each way
three times, the least time counts. Needs the wheel of crates/python, soundfile, librosa and the program.
"""

import argparse
import os
import platform
import subprocess
import sys
import time
from pathlib import Path

import librosa
import melisma
import numpy as np
import soundfile

FOUND = {".mp3", ".flac", ".wav", ".ogg", ".opus"}


def mel(path):
    """The usual way: decode, mix down, log mel spectrogram, its mean and deviation."""
    samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    levels = librosa.power_to_db(librosa.feature.melspectrogram(y=samples.mean(axis=1), sr=rate, n_mels=96, hop_length=512))
    return np.concatenate([levels.mean(axis=1), levels.std(axis=1)])


WAYS = [
    ("FLAC: soundfile", "sound", "flac", lambda path: soundfile.read(path, dtype="float32", always_2d=True)[0]),
    (".mlsm: melisma.open(path)[:]", "sound", "mlsm", lambda path: melisma.open(path)[:].samples),
    (".mlsm: 4 s from the middle", "sound", "mlsm", lambda path: (f := melisma.open(path))[f.seconds / 2 : f.seconds / 2 + 4]),
    ("FLAC: soundfile, librosa log mel of 96 bands, mean and deviation", "192 numbers", "flac", mel),
    ("FLAC: melisma.embed", "96 numbers", "flac", melisma.embed),
    (".mlsm: melisma.sketch", "24 bands, mid and side", "mlsm", lambda path: melisma.sketch(path).mid),
    (".mlsm: melisma.embed", "96 numbers", "mlsm", melisma.embed),
]


def prepare(music, work, count, program):
    """FLAC and .mlsm of the first tracks; their pairs of paths."""
    pairs = []
    for path in sorted(p for p in music.rglob("*") if p.suffix.lower() in FOUND):
        if len(pairs) == count:
            break
        flac, coded = work / f"{path.stem}.flac", work / f"{path.stem}.mlsm"
        try:
            if not flac.exists():
                samples, rate = soundfile.read(path, always_2d=True)
                soundfile.write(flac, samples[:, :2], rate, subtype="PCM_16")
            if not coded.exists():
                subprocess.run([program, "encode", "-q", "5", "--quiet", flac, "-o", coded], check=True)
        except (soundfile.LibsndfileError, subprocess.CalledProcessError) as error:
            print(f"{path}: left out: {error}", file=sys.stderr)
            continue
        pairs.append({"flac": flac, "mlsm": coded})
    return pairs


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("music", type=Path)
    arguments.add_argument("work", type=Path)
    arguments.add_argument("--tracks", type=int, default=100)
    arguments.add_argument("--program", default="target/release/melisma")
    given = arguments.parse_args()
    given.work.mkdir(parents=True, exist_ok=True)
    pairs = prepare(given.music, given.work, given.tracks, given.program)
    seconds = sum(soundfile.info(pair["flac"]).duration for pair in pairs)
    sizes = {kind: sum(pair[kind].stat().st_size for pair in pairs) / 1e6 for kind in ("flac", "mlsm")}
    print(f"{len(pairs)} tracks, {seconds / 60:.0f} minutes; FLAC {sizes['flac']:.0f} MB, .mlsm {sizes['mlsm']:.1f} MB.")
    print(f"{os.cpu_count()} cores, {platform.machine()}, load before {os.getloadavg()[0]:.1f}; Python {platform.python_version()},", end=" ")
    print(f"librosa {librosa.__version__}, soundfile {soundfile.__version__}, melisma {melisma.__version__}.\n")
    print("| way | gives | seconds | times real time | processor seconds |\n|---|---|---:|---:|---:|")
    for name, gives, kind, way in WAYS:
        way(pairs[0][kind])  # What is loaded or compiled at first use is no part of it.
        best = (float("inf"), 0.0)
        for _ in range(3):
            wall, cpu = time.perf_counter(), time.process_time()
            for pair in pairs:
                way(pair[kind])
            best = min(best, (time.perf_counter() - wall, time.process_time() - cpu))
        print(f"| {name} | {gives} | {best[0]:.2f} | {seconds / best[0]:.0f} | {best[1]:.2f} |", flush=True)


if __name__ == "__main__":
    main()

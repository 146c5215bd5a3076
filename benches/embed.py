#!/usr/bin/env python3
"""Speed of `melisma embed` on one thread, from .mlsm files and from the music they were made of, beside librosa's
mel-spectrogram of the same music.

    cargo build --release
    MELISMA_PYTHON benches/embed.py FOLDER [--tracks 60] [--repeats 3] [--out docs/results/embed-speed.md]

Every so many-th file of FOLDER is taken and coded at 16 kbit/s. What counts are seconds of processor time, so that other
load on the machine matters little: of the whole program for melisma, with its start, its reading and an index that is made
anew; of the spectrogram alone for librosa, on samples that are decoded already. All three take turns; medians of the
repetitions. Needs librosa and numpy in this Python.
"""
import os

for threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[threads] = "1"

import argparse, platform, resource, shutil, statistics, subprocess, tempfile, time, warnings

import librosa, numpy

import result



def processor_seconds(command):
    """Of a program that is run to its end."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main():
    options = argparse.ArgumentParser()
    options.add_argument("folder")
    options.add_argument("--tracks", type=int, default=60)
    options.add_argument("--repeats", type=int, default=3)
    result.add_options(options)
    chosen = options.parse_args()
    melisma = os.path.abspath(chosen.melisma)
    files = result.some_files(chosen.folder, chosen.tracks)
    with tempfile.TemporaryDirectory() as scratch:
        source, coded, index, out = (os.path.join(scratch, name) for name in ("source", "coded", "index", "out.csv"))
        os.makedirs(source)
        for number, path in enumerate(files):
            shutil.copy(path, os.path.join(source, f"{number:05}{os.path.splitext(path)[1]}"))
        subprocess.run([melisma, "--quiet", "encode", source, "-b", "16k", "-o", coded], check=True)

        def embed(folder):
            shutil.rmtree(index, ignore_errors=True)
            if os.path.exists(index):
                os.remove(index)
            return processor_seconds([melisma, "--quiet", "embed", folder, "-o", out, "--force", "--index", index, "-j", "1"])

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            music = [librosa.load(path, sr=None, mono=False) for path in result.files_of(source)]
        music = [(librosa.to_mono(samples), rate) for samples, rate in music]
        seconds = sum(len(samples) / rate for samples, rate in music)
        # What librosa compiles when it is first called does not count.
        librosa.feature.melspectrogram(y=music[0][0], sr=music[0][1])

        def spectrograms():
            begin = time.process_time()
            for samples, rate in music:
                librosa.feature.melspectrogram(y=samples, sr=rate)
            return time.process_time() - begin

        ways = {"`melisma embed`, .mlsm of 16 kbit/s": lambda: embed(coded),
                "`melisma embed`, the music itself": lambda: embed(source),
                f"librosa {librosa.__version__}, melspectrogram": spectrograms}
        taken = {name: [] for name in ways}
        for _ in range(chosen.repeats):
            for name, work in ways.items():
                taken[name].append(work())
    medians = {name: statistics.median(values) for name, values in taken.items()}
    slowest = medians[list(ways)[-1]]
    result.publish([
        "# Speed of embedding", "",
        f"`benches/embed.py FOLDER --tracks {chosen.tracks} --repeats {chosen.repeats}`: {len(files)} files, {seconds:.0f} s of music, "
        "one thread, seconds of processor time.", "",
        "| | x real time | times as fast as librosa | least and most |", "|---|---:|---:|---|",
        *(f"| {name} | {seconds / medians[name]:.0f} | {slowest / medians[name]:.2f} | "
          f"{seconds / max(values):.0f} to {seconds / min(values):.0f} |" for name, values in taken.items()), "",
        f"{platform.machine()}, {os.cpu_count()} processors, load average at the end {os.getloadavg()[0]:.1f}; numpy {numpy.__version__}.",
    ], chosen.out)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Statistics of MFCC of each track of a folder laid out as FMA is, for `xtask genre --mfcc`.

    MELISMA_PYTHON benches/mfcc.py FOLDER --out mfcc.csv

140 numbers a track, as in FMA's own baseline: mean, deviation, skew, kurtosis, median, least and largest of 20 coefficients
of the sound at 22,050 Hz, mono. A line is a track's number and its numbers; files that cannot be read are named, and left
out. Needs librosa and scipy in this Python.
"""
import argparse, os, sys, warnings

import librosa, numpy
from scipy.stats import kurtosis, skew


def statistics(path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        samples, rate = librosa.load(path, sr=22050)
    values = librosa.feature.mfcc(y=samples, sr=rate, n_mfcc=20)
    return numpy.concatenate([values.mean(1), values.std(1), skew(values, axis=1), kurtosis(values, axis=1),
                              numpy.median(values, 1), values.min(1), values.max(1)])


def main():
    options = argparse.ArgumentParser()
    options.add_argument("folder")
    options.add_argument("--out", required=True)
    chosen = options.parse_args()
    files = sorted(os.path.join(at, name) for at, _, names in os.walk(chosen.folder)
                   for name in names if name.endswith(".mp3"))
    with open(chosen.out, "w", encoding="utf-8") as out:
        for path in files:
            number = int(os.path.splitext(os.path.basename(path))[0])
            try:
                values = statistics(path)
            except Exception as error:
                print(f"{path}: {error}", file=sys.stderr)
                continue
            out.write(",".join([str(number)] + [f"{value:.6g}" for value in values]) + "\n")


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Tracks of the same artist among the nearest: embeddings of `melisma embed` beside statistics of MFCC.

    melisma encode FOLDER/audio -b 16k -o CODED
    MELISMA_PYTHON benches/retrieval.py FOLDER --coded CODED [--mfcc mfcc.csv] [--out docs/results/retrieval.md]

FOLDER is laid out as FMA is (audio/, fma_metadata/tracks.csv). Each track is a query; tracks of its own album are left
out, and those of its artist on other albums are what should be found. MFCC are of the uncoded sound; --mfcc is what
benches/mfcc.py wrote. Needs numpy, and without --mfcc librosa and scipy, in this Python.
"""
import argparse, csv, os, subprocess, tempfile

import numpy

import result

AT = 10
DRAWS = 2000


def table(folder):
    """Artist, album and split of each track, by its number."""
    with open(os.path.join(folder, "fma_metadata", "tracks.csv"), encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    groups, names = rows[0], rows[1]
    album, artist, split = (next(i for i, pair in enumerate(zip(groups, names)) if pair == wanted)
                            for wanted in (("album", "title"), ("artist", "name"), ("set", "split")))
    return {int(row[0]): (row[artist], row[album], row[split]) for row in rows[3:]}


def mfcc_of(path, folder, ids):
    """140 statistics of MFCC of each track, by benches/mfcc.py: from its file, or computed here."""
    if path:
        with open(path, encoding="utf-8") as file:
            rows = (line.split(",") for line in file)
            found = {int(row[0]): [float(value) for value in row[1:]] for row in rows}
    else:
        import mfcc
        found = {number(i): mfcc.statistics(os.path.join(folder, "audio", i[:-4] + "mp3")) for i in ids}
    return numpy.array([found[number(i)] for i in ids])


def number(track):
    return int(os.path.splitext(os.path.basename(track))[0])


def recalls(points, artists, albums):
    """Of each track whose artist has another album: the part of those tracks that is among the AT nearest, of as many as
    fit there."""
    squares = (points ** 2).sum(1)
    distances = squares[:, None] + squares[None] - 2 * points @ points.T
    found = {}
    for query in range(len(points)):
        others = [i for i in range(len(points)) if albums[i] != albums[query]]
        wanted = {i for i in others if artists[i] == artists[query]}
        if wanted:
            nearest = sorted(others, key=lambda i: (distances[query, i], i))[:AT]
            found[query] = len(wanted & set(nearest)) / min(AT, len(wanted))
    return found


def interval(values, artists):
    """Middle 95 % of the mean when artists, not tracks, are drawn: tracks of one artist are not independent."""
    groups = {}
    for query, value in values.items():
        groups.setdefault(artists[query], []).append(value)
    groups = list(groups.values())
    random = numpy.random.default_rng(1)
    means = [numpy.mean(numpy.concatenate([groups[i] for i in random.integers(0, len(groups), len(groups))]))
             for _ in range(DRAWS)]
    return numpy.percentile(means, [2.5, 97.5])


def main():
    options = argparse.ArgumentParser()
    options.add_argument("folder")
    options.add_argument("--coded", required=True)
    options.add_argument("--mfcc")
    result.add_options(options)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        out = os.path.join(scratch, "all.npz")
        ended = subprocess.run([chosen.melisma, "embed", chosen.coded, "-o", out, "--index", os.path.join(scratch, "index")])
        if ended.returncode not in (0, 3):
            raise SystemExit("melisma embed failed")
        arrays = numpy.load(out)
        ids, ours, version = [str(i) for i in arrays["ids"]], arrays["embeddings"], int(arrays["embedding_version"])
    named = table(chosen.folder)
    artists = [named[number(i)][0] for i in ids]
    albums = [named[number(i)][:2] for i in ids]
    tests = [named[number(i)][2] == "test" for i in ids]
    mfcc = mfcc_of(chosen.mfcc, chosen.folder, ids)
    mfcc = (mfcc - mfcc.mean(0)) / (mfcc.std(0) + 1e-9)
    ways = [(f"`melisma embed` of files at 16 kbit/s, version {version}", ours.astype(float)), ("140 statistics of MFCC of the uncoded sound, standardised", mfcc),
            ("chance", numpy.random.default_rng(2).normal(size=(len(ids), 16)))]
    scores = [(name, recalls(points, artists, albums)) for name, points in ways]
    queries = len(scores[0][1])
    unseen = lambda values: {query: value for query, value in values.items() if tests[query]}
    lines = [f"Recall@{AT} of tracks by the same artist on other albums; tracks of the query's own album are left out. "
             f"{queries} queries, the tracks of {len(ids)} whose artist has another album; intervals: 95 %, artists drawn "
             f"{DRAWS} times. Nothing was learned from these tracks; how the embedding is learned was chosen among those of "
             f"training and validation, and the last columns are the {len(unseen(scores[0][1]))} queries of test artists among "
             "all tracks. `benches/retrieval.py FOLDER --coded CODED`, FOLDER being 400 tracks of four genres laid out as FMA is.", "",
             f"| points | recall@{AT} | interval | of test artists | interval |", "|---|---:|---:|---:|---:|"]
    mean = lambda values: numpy.mean(list(values.values()))
    for name, values in scores:
        (low, high), (test_low, test_high) = interval(values, artists), interval(unseen(values), artists)
        lines.append(f"| {name} | {mean(values):.3f} | {low:.3f} to {high:.3f} | {mean(unseen(values)):.3f} | "
                     f"{test_low:.3f} to {test_high:.3f} |")
    difference = {query: scores[0][1][query] - scores[1][1][query] for query in scores[0][1]}
    (low, high), (test_low, test_high) = interval(difference, artists), interval(unseen(difference), artists)
    lines += ["", f"Difference of the first two, query by query: {mean(difference):+.3f} ({low:+.3f} to {high:+.3f}); of test "
                  f"artists {mean(unseen(difference)):+.3f} ({test_low:+.3f} to {test_high:+.3f})."]
    result.publish(lines, chosen.out)


if __name__ == "__main__":
    main()

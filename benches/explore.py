#!/usr/bin/env python3
"""Projections and neighbours beside scikit-learn and openTSNE, in one run: interleaved repetitions, medians of ratios.

    cargo build --release -p melisma-explore --example explore
    python3 benches/explore.py [--repeats 3] [--map-repeats 3] [--points 8000] [--out docs/results/explore.md]

Needs numpy, scikit-learn and openTSNE. Points are drawn with a seed: forty groups in 128 dimensions, each wide along ten
axes of its own. Both sides may use all processors; times are of the work alone, without reading files. What is compared is
made in the same minute, so that other load falls on both.
"""
import argparse, os, platform, statistics, subprocess, tempfile, time

import numpy as np
import openTSNE, sklearn

import result
from sklearn.decomposition import PCA, KernelPCA
from sklearn.neighbors import NearestNeighbors

DIMENSIONS = 128


def drawn(count, seed=1, groups=40, wide=10):
    random = np.random.default_rng(seed)
    middles = random.normal(size=(groups, DIMENSIONS)) * 1.5
    axes = random.normal(size=(groups, DIMENSIONS, wide)) / np.sqrt(wide)
    labels = random.integers(groups, size=count)
    along = random.normal(size=(count, wide)) * 2
    points = np.empty((count, DIMENSIONS), "<f4")
    for start in range(0, count, 10_000):
        part = slice(start, start + 10_000)
        own = labels[part]
        noise = 0.3 * random.normal(size=(len(own), DIMENSIONS))
        points[part] = middles[own] + np.einsum("ndk,nk->nd", axes[own], along[part]) + noise
    return points


class Ours:
    """The example program on files of a folder."""

    def __init__(self, program, folder):
        self.program, self.folder = program, folder

    def run(self, method, points, *others):
        source, target = (os.path.join(self.folder, name) for name in ("in.f32", "out.f32"))
        points.tofile(source)
        command = [self.program, method, source, str(points.shape[1]), target, *others]
        said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        return float(said.split()[0]), np.fromfile(target, "<f4").reshape(-1, 10 if method in ("query", "nearest") else 2)

    def divergence(self, points, positions):
        """Of any map, exactly, over all pairs."""
        path = os.path.join(self.folder, "map.f32")
        np.asarray(positions, "<f4").tofile(path)
        return self.run("divergence", points, path)[0]


def timed(work):
    begin = time.monotonic()
    found = work()
    return time.monotonic() - begin, found


def agreement(near, positions):
    on_map = NearestNeighbors(n_neighbors=10).fit(positions).kneighbors(return_distance=False)
    return np.mean([len(set(a) & set(b)) / 10 for a, b in zip(near, on_map)])


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--program", default="target/release/examples/explore")
    options.add_argument("--repeats", type=int, default=3)
    options.add_argument("--map-repeats", type=int, default=3, help="of t-SNE, which takes minutes")
    options.add_argument("--points", type=int, default=8000)
    options.add_argument("--out")
    options = options.parse_args()
    points, many = drawn(options.points), drawn(100_000, seed=2)
    near = NearestNeighbors(n_neighbors=10, algorithm="brute").fit(points).kneighbors(return_distance=False)
    theirs = {
        "t-SNE, 750 iterations": ("tsne", lambda: np.asarray(openTSNE.TSNE(n_jobs=os.cpu_count(), random_state=0).fit(points)), "openTSNE"),
        "PCA to 2": ("pca", lambda: PCA(2).fit_transform(points), "scikit-learn"),
        "KernelPCA (rbf) to 2": ("kernel_pca", lambda: KernelPCA(2, kernel="rbf").fit_transform(points), "scikit-learn"),
    }
    rows, maps = [], {}
    with tempfile.TemporaryDirectory() as folder:
        ours = Ours(options.program, folder)
        for name, (method, work, whose) in theirs.items():
            pairs = []
            for _ in range(options.map_repeats if method == "tsne" else options.repeats):
                seconds, positions = ours.run(method, points)
                their_seconds, their_positions = timed(work)
                pairs.append((seconds, their_seconds))
            own, other = (statistics.median(side) for side in zip(*pairs))
            ratio = statistics.median(a / b for a, b in pairs)
            rows.append(f"| {name} | {len(pairs)} | {own:.2f} s | {whose} {other:.2f} s | {ratio:.2f} |")
            maps[method] = (positions, their_positions)
        quality = []
        for name, positions in zip(("ours", "openTSNE"), maps["tsne"]):
            quality.append(f"| {name} | {ours.divergence(points, positions):.4f} | {agreement(near, positions):.4f} |")
        umap = ours.run("umap", drawn(10_000))[0]
        query, found = ours.run("query", many)
        unit = many / np.linalg.norm(many, axis=1, keepdims=True)
        # The point itself is the nearest of the eleven.
        exact = np.argpartition(-(unit[:300] @ unit.T), 11, axis=1)[:, :11]
        recall = np.mean([len((set(near) - {own}) & set(row)) / 10
                          for own, (near, row) in enumerate(zip(exact, found.astype(int)))])
    result.publish([
        "# Projections and neighbours: speed and faithfulness", "",
        f"Written by `python3 benches/explore.py --repeats {options.repeats} --map-repeats {options.map_repeats}"
        f" --points {options.points} --out docs/results/explore.md`.", "",
        f"{options.points} points of {DIMENSIONS} dimensions; medians of interleaved pairs of runs; the ratio is"
        " the median of the pairs' ratios.", "",
        "| | pairs | ours | theirs | ratio |", "|---|---|---|---|---|", *rows, "",
        "t-SNE maps of the last run: exact divergence over all pairs (lower is better), and the share of the ten nearest"
        " points in space that are among the ten nearest on the map.", "",
        "| map | divergence | neighbours kept |", "|---|---|---|", *quality, "",
        f"UMAP of 10,000 points takes {umap:.1f} s. One query over 100,000 points on one thread: {query * 1e3:.2f} ms (median of 1,000), recall@10 {recall:.4f}.", "",
        f"{platform.machine()}, {os.cpu_count()} processors, load average at the end {os.getloadavg()[0]:.1f};"
        f" scikit-learn {sklearn.__version__}, openTSNE {openTSNE.__version__}, numpy {np.__version__}.",
    ], options.out)


if __name__ == "__main__":
    main()

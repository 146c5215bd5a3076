"""Random crops out of a folder of .mlsm files, as a dataset for PyTorch.

A crop decodes two or three sections of a few seconds, whatever the length of its track, so that a library
need not be decoded or cut beforehand. Workers of a DataLoader share nothing and may be forked.

    loader = torch.utils.data.DataLoader(Crops("Small", seconds=4.0), batch_size=32, num_workers=8)
    for batch in loader:          # float32, (batch, channels, samples)
        ...

Run on a folder, it says how fast that is here: python crops.py Small
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np

import melisma

try:
    from torch.utils.data import Dataset
except ImportError:  # It is all the same to what is below: a dataset is anything with a length and items.
    Dataset = object


class Crops(Dataset):
    """One random crop a track and epoch, all of the same length, rate and channels.

    `crops[n]` is float32 of shape (channels, samples), which is PyTorch's order: of a file it is
    (samples, channels). Which crop that is depends on `seed`, `epoch` and `n` alone.
    """

    def __init__(self, folder: str | Path, seconds: float = 4.0, sample_rate: int = 44_100, seed: int = 0):
        self.seed, self.epoch = seed, 0
        self.count = round(seconds * sample_rate)
        found = sorted(Path(folder).rglob("*.mlsm"))
        opened = [melisma.open(path) for path in found]
        self.paths = [f.path for f in opened if f.sample_rate == sample_rate and f.samples >= self.count]
        if not self.paths:
            raise ValueError(f"{folder}: none of {len(found)} .mlsm files has {seconds} s at {sample_rate} Hz")

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, n: int) -> np.ndarray:
        with melisma.open(self.paths[n]) as f:
            rng = np.random.default_rng([self.seed, self.epoch, n])
            first = int(rng.integers(0, f.samples - self.count + 1))
            samples = f.read(first, self.count).samples
        if samples.shape[1] == 1:
            samples = np.repeat(samples, 2, axis=1)
        return np.ascontiguousarray(samples.T)


def main() -> None:
    crops = Crops(sys.argv[1])
    start = time.perf_counter()
    for n in range(len(crops)):
        crops[n]
    seconds = time.perf_counter() - start
    print(f"{len(crops)} crops of {crops.count} samples in {seconds:.2f} s: {len(crops) / seconds:.0f} a second")


if __name__ == "__main__":
    main()

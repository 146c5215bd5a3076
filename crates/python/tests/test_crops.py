"""The example of a dataset for PyTorch, with PyTorch where that is installed."""

import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import music

import melisma

sys.path.insert(0, str(Path(__file__).parent.parent / "examples"))
from crops import Crops  # noqa: E402


@pytest.fixture()
def folder(tmp_path):
    (tmp_path / "below").mkdir()
    for name, seconds, rate, channels in [
        ("a", 20, 44_100, 2),
        ("below/b", 9, 44_100, 1),
        ("short", 1, 44_100, 2),
        ("other", 9, 8_000, 1),
    ]:
        data = melisma.encode(music(seconds, rate, channels), rate)
        (tmp_path / f"{name}.mlsm").write_bytes(data)
    return tmp_path


def test_crops_are_what_is_in_the_files(folder):
    crops = Crops(folder, seconds=2.0, seed=5)
    assert len(crops) == 2, "what is too short or of another rate is left out"
    assert all(crop.shape == (2, 88_200) and crop.dtype == np.float32 for crop in map(crops.__getitem__, range(2)))
    whole = melisma.open(folder / "a.mlsm")[:].samples
    first = int(np.random.default_rng([5, 0, 0]).integers(0, len(whole) - 88_200 + 1))
    assert np.array_equal(crops[0], whole[first : first + 88_200].T)
    again = crops[0]
    crops.epoch = 1
    assert not np.array_equal(crops[0], again), "another epoch has other crops"
    with pytest.raises(ValueError, match="none of 4"):
        Crops(folder, seconds=60)


def test_in_a_loader(folder):
    data = pytest.importorskip("torch.utils.data", reason="PyTorch is not installed")
    crops = Crops(folder, seconds=2.0)
    # Threads of this process must not be waited for in forked workers.
    melisma.embed(folder / "a.mlsm")
    batches = list(data.DataLoader(crops, batch_size=2, num_workers=2))
    assert len(batches) == 1 and tuple(batches[0].shape) == (2, 2, 88_200)
    assert np.array_equal(batches[0][0].numpy(), crops[0])

"""Files on disk: what they say, stretches of them, in threads and in other processes."""

import multiprocessing
import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import melisma


def test_what_a_file_says(path, x):
    with melisma.open(path) as f:
        assert (f.sample_rate, f.channels, f.samples) == (44_100, 2, len(x))
        assert f.seconds == 20 and f.path == path
        assert f.tags == {"TITLE": ["Chords"], "GENRE": ["Test", "Tone"]}
        assert f.bitrate == pytest.approx(32_000, rel=0.05)
        assert -40 < f.loudness < -5
        assert f.cover is None and f.original_sample_rate is None
        assert repr(f) == f'<melisma.File "{path}": 20.0 s, 44100 Hz, 2 channels>'
    assert f.tags["TITLE"] == ["Chords"], "closed, it still says what it is"
    with pytest.raises(melisma.InputError, match="closed"):
        f[0:1]
    assert melisma.open(str(path)).seconds == 20


def test_slices_are_the_whole(path, data):
    whole = melisma.decode(data).samples
    f = melisma.open(path)
    for begin, end in [(0, 20), (10.0, 20.0), (5.9, 6.1), (0.1, 0.2), (19.99, 20), (3, 3), (0, 1e9)]:
        expected = whole[round(begin * 44_100) : round(min(end, 20) * 44_100)]
        assert np.array_equal(f[begin:end].samples, expected), (begin, end)
    assert np.array_equal(f[:].samples, whole)
    assert np.array_equal(f[-5:].samples, whole[-5 * 44_100 :])
    assert np.array_equal(f[-5.0:-1.0].samples, whole[-5 * 44_100 : -44_100])
    assert f[12:7].samples.shape == (0, 2) and f[30:40].samples.shape == (0, 2)
    assert np.array_equal(f.read(1_000, 5).samples, whole[1_000:1_005])
    assert np.array_equal(f.read(len(whole) - 3, 10).samples, whole[-3:])
    assert f.read(10**12, 2**63).samples.shape == (0, 2)
    with pytest.raises(TypeError, match="by seconds"):
        f[3]
    with pytest.raises(melisma.InputError, match="no step"):
        f[0:10:2]
    with pytest.raises(melisma.InputError, match="no time"):
        f[float("nan") :]


def test_missing_and_foreign_files(tmp_path):
    with pytest.raises(melisma.MissingFileError, match="none.mlsm") as caught:
        melisma.open(tmp_path / "none.mlsm")
    assert isinstance(caught.value, FileNotFoundError) and caught.value.errno == 2
    with pytest.raises(FileNotFoundError):
        melisma.embed(tmp_path / "none.mlsm")
    with pytest.raises(melisma.FileError) as caught:
        melisma.open(tmp_path)
    assert isinstance(caught.value, OSError)
    foreign = tmp_path / "song.mlsm"
    foreign.write_bytes(b"not music at all")
    for read in (melisma.open, melisma.sketch, melisma.embed):
        with pytest.raises(melisma.FormatError, match="song.mlsm.*not a .mlsm file"):
            read(foreign)


def test_threads_share_a_file(path, data):
    whole = melisma.decode(data).samples
    f = melisma.open(path)
    starts = np.random.default_rng(1).integers(0, 19 * 44_100, 40).tolist()
    with ThreadPoolExecutor(8) as threads:
        crops = threads.map(lambda start: f.read(start, 44_100).samples, starts)
        for start, crop in zip(starts, crops, strict=True):
            assert np.array_equal(crop, whole[start : start + 44_100])


def test_the_lock_is_let_go(x):
    """While one thread encodes, this one counts: with the lock held it could not at all."""
    with ThreadPoolExecutor(1) as threads:
        work = threads.submit(melisma.encode, np.tile(x, (3, 1)), 44_100)
        counted = 0
        while not work.done():
            counted += 1
    assert counted > 1_000


def _in_a_child(pipe, f, data):
    pipe.send((f[7:8].samples.sum(), melisma.decode(data).samples.sum(), melisma.embed(f.path).sum()))


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_other_processes(method, path, data):
    """Forked after the threads were started, as the workers of a loader are."""
    f = melisma.open(path)
    expected = (f[7:8].samples.sum(), melisma.decode(data).samples.sum(), melisma.embed(path).sum())
    context = multiprocessing.get_context(method)
    here, there = context.Pipe()
    child = context.Process(target=_in_a_child, args=(there, f, data))
    child.start()
    assert here.poll(60), "the child hangs"
    assert here.recv() == expected
    child.join()
    assert pickle.loads(pickle.dumps(f)).seconds == 20

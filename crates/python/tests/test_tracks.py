"""Sketches, embeddings, labels and neighbours."""

import shutil
import subprocess
import wave

import numpy as np
import pytest

import melisma


def write_wav(path, x, rate=44_100):
    with wave.open(str(path), "wb") as file:
        file.setnchannels(x.shape[1])
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((np.clip(x, -1, 1) * 32767).astype("<i2").tobytes())


def test_sketches(path, x, tmp_path):
    sketch = melisma.sketch(path)
    assert sketch.mid.shape == sketch.side.shape == (round(20 / sketch.hop_seconds + 0.5), 24)
    assert sketch.mid.dtype == np.float32 and sketch.mid.min() >= -120
    assert len(sketch.band_edges) == 25 and sketch.band_edges[0] == 0
    assert np.array_equal(melisma.open(path).sketch().mid, sketch.mid)
    # The powers of all bands are the power of the sound.
    power = 10 * np.log10(np.mean(np.sum(10 ** (sketch.mid / 10), axis=1)))
    assert power == pytest.approx(10 * np.log10(np.mean(x.mean(axis=1) ** 2)), abs=1)
    wav = tmp_path / "chords.wav"
    write_wav(wav, x)
    other = melisma.sketch(wav)
    assert other.mid.shape == sketch.mid.shape
    loud = sketch.mid > -60
    assert np.median(np.abs(other.mid - sketch.mid)[loud]) < 2


def test_embeddings(path, x, tmp_path):
    point = melisma.embed(path)
    assert point.dtype == np.float32 and point.ndim == 1
    assert np.linalg.norm(point) == pytest.approx(1, abs=1e-5)
    wav = tmp_path / "chords.wav"
    write_wav(wav, x)
    same = point @ melisma.embed(wav)
    assert same > 0.98
    write_wav(wav, np.random.default_rng(1).normal(0, 0.1, (44_100 * 5, 2)))
    assert point @ melisma.embed(wav) < same - 0.1, "noise is farther than another coding"


def test_similar(library, tmp_path):
    near = melisma.similar(library, library / "tone0.mlsm", k=3)
    assert len(near) == 3 and {n.path for n in near[:2]} == {"tone1.mlsm", "tone2.mlsm"}
    assert [n.distance for n in near] == sorted(n.distance for n in near)
    assert near[0].artist == "Anna" and near[0].title.startswith("Tone") and near[0].seconds == pytest.approx(8)
    assert (library / ".melisma" / "index").is_file()
    elsewhere = tmp_path / "mine.mlsm"
    shutil.copy(library / "noise1.mlsm", elsewhere)
    assert all(n.path.startswith("noise") for n in melisma.similar(library, elsewhere, 1))
    with pytest.raises(melisma.FileError, match="not a folder"):
        melisma.similar(tmp_path / "none", elsewhere)
    with pytest.raises(melisma.MissingFileError):
        melisma.similar(library, tmp_path / "none.mlsm")


def test_classify(library, tmp_path):
    program = shutil.which("melisma")
    if program is None:
        pytest.skip("the program melisma, which learns labels, is not on the PATH")
    model = tmp_path / "labels"
    learn = [program, "learn", library, "--by", "genre", "-o", model, "--at-least", "2"]
    subprocess.run(learn, check=True, capture_output=True)
    labels = melisma.Labels(model)
    assert labels.tag.lower() == "genre" and set(labels.names) == {"Tone", "Noise"}
    for track, genre in [("tone1", "Tone"), ("noise2", "Noise")]:
        told = melisma.classify(library / f"{track}.mlsm", labels=labels)
        assert next(iter(told)) == genre and sum(told.values()) == pytest.approx(1, abs=1e-4)
        assert told == melisma.classify(library / f"{track}.mlsm", labels=str(model))


def test_no_labels(library, tmp_path):
    with pytest.raises(melisma.MissingFileError):
        melisma.classify(library / "tone0.mlsm", labels=tmp_path / "none")
    with pytest.raises(melisma.FormatError, match="not a model of labels"):
        melisma.classify(library / "tone0.mlsm", labels=library / "tone0.mlsm")

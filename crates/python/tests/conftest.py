"""Music for the tests, made here: what they compare is known to the sample."""

import numpy as np
import pytest

import melisma


def music(seconds: float, rate: int = 44_100, channels: int = 2, seed: int = 1) -> np.ndarray:
    """Chords that change every half second over a little noise: float32, (samples, channels)."""
    rng = np.random.default_rng(seed)
    time = np.arange(round(seconds * rate)) / rate
    x = rng.normal(0, 0.003, (len(time), channels))
    for start in np.arange(0, seconds, 0.5):
        span = (time >= start) & (time < start + 0.5)
        for root in rng.choice([110, 147, 196, 220, 294, 330], 3):
            tone = np.sin(2 * np.pi * root * time[span]) * np.exp(-3 * (time[span] - start))
            x[span] += 0.2 * tone[:, None] * rng.uniform(0.3, 1, channels)
    return x.astype(np.float32)


@pytest.fixture(scope="session")
def x() -> np.ndarray:
    """20 s of stereo at 44.1 kHz."""
    return music(20)


@pytest.fixture(scope="session")
def data(x) -> bytes:
    """The same as a .mlsm file, of four sections."""
    return melisma.encode(x, 44_100, bitrate=32_000, tags={"title": "Chords", "GENRE": ["Test", "Tone"]})


@pytest.fixture()
def path(tmp_path, data):
    path = tmp_path / "chords.mlsm"
    path.write_bytes(data)
    return path


@pytest.fixture(scope="session")
def library(tmp_path_factory):
    """A folder of six tracks: three of tones, three of noise."""
    folder = tmp_path_factory.mktemp("music")
    for seed in range(3):
        tags = {"TITLE": f"Tone {seed}", "ARTIST": "Anna", "GENRE": "Tone"}
        folder.joinpath(f"tone{seed}.mlsm").write_bytes(melisma.encode(music(8, seed=seed), 44_100, tags=tags))
        noise = np.random.default_rng(seed).normal(0, 0.05 * (seed + 1), (8 * 44_100, 2))
        tags = {"TITLE": f"Noise {seed}", "ARTIST": "Ben", "GENRE": "Noise"}
        folder.joinpath(f"noise{seed}.mlsm").write_bytes(melisma.encode(noise, 44_100, tags=tags))
    return folder

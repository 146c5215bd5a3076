"""Metrics: known values, order, refusals."""

import numpy as np
import pytest
from conftest import music

import melisma
from melisma import bench


def test_known_values():
    x = music(2, channels=1)
    noise = np.random.default_rng(1).normal(0, 1, x.shape).astype(np.float32)
    noise *= np.sqrt(np.mean(x**2) / np.mean(noise**2)) / 10
    assert bench.snr(x, x + noise, 44_100, align=False) == pytest.approx(20, abs=0.01)
    assert bench.zimtohrli(x, x, 44_100) == pytest.approx(0, abs=1e-6)
    assert bench.peaq(x, x, 44_100) == pytest.approx(0, abs=0.3)
    assert bench.study_rmse(x, x, 44_100) == pytest.approx(0, abs=1e-4)
    assert bench.si_sdr(x, x + noise, 44_100, align=False) == pytest.approx(20, abs=0.2)


def test_more_bits_are_better(x):
    versions = [melisma.decode(melisma.encode(x, 44_100, bitrate=rate)).samples for rate in (12_000, 96_000)]
    reference = bench.Reference(x, 44_100)
    coarse, fine = (reference.scores(version) for version in versions)
    judged = {name: better for name, (_, better) in bench.metrics().items() if name in fine}
    assert {"zimtohrli", "nmr", "mel_l1", "study_cplx_8k", "snr"} <= set(judged)
    for name, better in judged.items():
        if better != "neither":
            assert (fine[name] < coarse[name]) == (better == "lower"), name
    for name in ("zimtohrli", "nmr", "peaq_odg", "2f", "snr"):
        assert reference.scores(versions[0], only=[name]) == {name: coarse[name]}
    assert bench.nmr(x, versions[0], 44_100) == coarse["nmr"]
    assert bench.scores(x, versions[0], 44_100) == coarse


def test_delay_is_taken_out(x):
    late = np.concatenate([np.zeros((300, 2), np.float32), x])
    assert bench.snr(x, late, 44_100) > 60
    with pytest.raises(melisma.InputError, match="shape .882300, 2.*align=True"):
        bench.snr(x, late, 44_100, align=False)


def test_refusals():
    x = np.zeros((44_100, 1), np.float32)
    with pytest.raises(melisma.InputError, match="no metric; there are zimtohrli, nmr"):
        bench.Reference(x, 44_100).scores(x, only=["loudness"])
    with pytest.raises(melisma.InputError, match="no samples"):
        bench.Reference(x[:0], 44_100)
    with pytest.raises(melisma.InputError, match="no numbers"):
        bench.Reference(np.full(10, np.nan), 44_100)
    with pytest.raises(melisma.InputError, match="sample rate of 0 Hz"):
        bench.Reference(x, 0)
    assert np.isnan(bench.nmr(x, x, 44_100)), "there is no mask in silence"

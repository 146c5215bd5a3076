"""How far decoded sound is from its reference, by the metrics that Melisma's own results are reported in.

Sound is of shape (samples, channels), as everywhere. Delay and a small constant gain of the decoded version
are taken out first, unless `align=False`.

>>> import melisma, melisma.bench, numpy as np
>>> rng = np.random.default_rng(1)
>>> x = rng.normal(0, 0.1, (44_100, 1)).astype("float32")
>>> small = melisma.decode(melisma.encode(x, 44_100, quality=2)).samples
>>> large = melisma.decode(melisma.encode(x, 44_100, quality=9)).samples
>>> melisma.bench.zimtohrli(x, large, 44_100) < melisma.bench.zimtohrli(x, small, 44_100)
True

Where one reference is compared with many versions, `Reference` computes what belongs to it once:

>>> reference = melisma.bench.Reference(x, 44_100)
>>> quiet, loud = (reference.scores(version)["nmr"] for version in (large, small))
>>> quiet < loud
True

`metrics()` lists all names with their units and what is better.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._melisma import Reference, metrics

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["Reference", "metrics", "nmr", "peaq", "scores", "si_sdr", "snr", "study_rmse", "zimtohrli"]


def scores(reference: ArrayLike, decoded: ArrayLike, sample_rate: int, *, align: bool = True) -> dict[str, float]:
    """All metrics at once, by name: `metrics()` says what they are."""
    return Reference(reference, sample_rate).scores(decoded, align=align)


def zimtohrli(reference: ArrayLike, decoded: ArrayLike, sample_rate: int, *, align: bool = True) -> float:
    """Perceptual distance from 0, identical, to 1; it follows best what is heard. NaN below 0.1 s."""
    return _one(reference, decoded, sample_rate, "zimtohrli", align)


def nmr(reference: ArrayLike, decoded: ArrayLike, sample_rate: int, *, align: bool = True) -> float:
    """Noise-to-mask ratio in dB: below 0 the noise is masked on average. NaN for silence."""
    return _one(reference, decoded, sample_rate, "nmr", align)


def peaq(reference: ArrayLike, decoded: ArrayLike, sample_rate: int, *, align: bool = True) -> float:
    """Objective difference grade of PEAQ's basic version, 0, imperceptible, to -4. NaN below 0.64 s."""
    return _one(reference, decoded, sample_rate, "peaq_odg", align)


def snr(reference: ArrayLike, decoded: ArrayLike, sample_rate: int, *, align: bool = True) -> float:
    """Signal-to-noise ratio in dB. Codecs that fill in noise score low and sound well all the same."""
    return _one(reference, decoded, sample_rate, "snr", align)


def si_sdr(reference: ArrayLike, decoded: ArrayLike, sample_rate: int, *, align: bool = True) -> float:
    """Scale-invariant signal-to-distortion ratio in dB."""
    return _one(reference, decoded, sample_rate, "si_sdr", align)


def study_rmse(reference: ArrayLike, decoded: ArrayLike, sample_rate: int, *, align: bool = True) -> float:
    """RMSE over complex bins of an STFT (512, hop 128) of the 8 kHz mono mix: the metric of the 2019 study."""
    return _one(reference, decoded, sample_rate, "study_cplx_8k", align)


def _one(reference: ArrayLike, decoded: ArrayLike, sample_rate: int, name: str, align: bool) -> float:
    found = Reference(reference, sample_rate).scores(decoded, align=align, only=[name])
    return found.get(name, float("nan"))

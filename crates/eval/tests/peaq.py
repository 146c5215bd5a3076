"""A second implementation of PEAQ's basic version for the test `peaq.rs`, in double precision and written apart from ours.

Whole spectrograms at once, `[frame, band]`; equations are those of Kabal 2002, "An Examination and Interpretation of
ITU-R BS.1387".  argv: output folder, then audio files, or none for synthesised sound.  Prints one JSON line for each pair
of `versions.pairs`: numbers of the two signals and the variables (null for one that cannot be had).  If the package
seabass-2f is installed, its two variables stand beside them."""
import json, sys
import numpy as np

RATE, SIZE, HOP = 48000, 2048, 1024
FREQUENCIES = np.arange(SIZE // 2 + 1) * RATE / SIZE
to_bark, to_hz = lambda f: 7 * np.arcsinh(f / 650), lambda z: 650 * np.sinh(z / 7)
EDGES = np.append(np.arange(to_bark(80), to_bark(18000), 0.25), to_bark(18000))
CENTRES = to_hz((EDGES[1:] + EDGES[:-1]) / 2)
COUNT = len(CENTRES)
WINDOW = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(SIZE) / SIZE)
SINE = np.sin(2 * np.pi * 1019.5 / RATE * np.arange(SIZE))
WINDOW *= 10 ** (92 / 20) / np.abs(np.fft.rfft(WINDOW * SINE)).max()
with np.errstate(divide="ignore"):
    KHZ = FREQUENCIES / 1000
    EAR = 10 ** ((-2.184 * KHZ ** -0.8 + 6.5 * np.exp(-0.6 * (KHZ - 3.3) ** 2) - 0.001 * KHZ ** 3.6) / 10)
# Energy below each edge, by linear interpolation of the running sum over bins; bands are differences of it.
BIN_EDGES = (np.arange(SIZE // 2 + 2) - 0.5) * RATE / SIZE
NOISE = 10 ** (0.1456 * (CENTRES / 1000) ** -0.8)
OFFSETS = 10 ** (np.maximum(3, 0.25 * 0.25 * np.arange(COUNT)) / 10)
OFFSETS[np.arange(COUNT) * 0.25 <= 12] = 10 ** 0.3


def bands(energy):
    below = np.concatenate([np.zeros((len(energy), 1)), np.cumsum(energy, 1)], 1)
    at = np.array([np.interp(to_hz(EDGES), BIN_EDGES, row) for row in below])
    return np.diff(at, axis=1)


def spread(energy):
    """All maskers onto all bands as one array `[frame, masker, band]`, frames in blocks."""
    index = np.arange(COUNT)
    distance = 0.25 * (index[None, :] - index[:, None])
    out = np.empty_like(energy)
    for start in range(0, len(energy), 64):
        block = energy[start:start + 64]
        slope = -24 - 230 / CENTRES + 0.2 * 10 * np.log10(block)
        level = np.where(distance[None] < 0, 27 * distance[None], slope[:, :, None] * distance[None])
        kernel = 10 ** (level / 10)
        kernel *= (block / kernel.sum(2))[:, :, None]
        out[start:start + 64] = (kernel ** 0.4).sum(1) ** 2.5
    return out


FLAT = spread(np.ones((1, COUNT)))


def decay(at_100, least):
    return np.exp(-HOP / RATE / (least + 100 / CENTRES * (at_100 - least)))


def smooth(x, a, gain=None):
    out, state = np.empty_like(x), np.zeros(x.shape[1])
    for i, row in enumerate(x):
        state = a * state + ((1 - a) if gain is None else gain) * row
        out[i] = state
    return out


SLOW, MASKING = decay(0.05, 0.008), decay(0.03, 0.008)


def patterns(x):
    frames = np.lib.stride_tricks.sliding_window_view(x, SIZE)[::HOP]
    spectra = np.abs(np.fft.rfft(frames * WINDOW, axis=1))
    unsmeared = spread(np.maximum(bands(spectra ** 2 * EAR), 1e-12) + NOISE) / FLAT
    excitation = np.maximum(unsmeared, smooth(unsmeared, MASKING))
    loudness = unsmeared ** 0.3
    level = smooth(loudness, SLOW)
    change = smooth(RATE / HOP * np.abs(np.diff(loudness, axis=0, prepend=0)), SLOW)
    threshold = 10 ** (0.364 * (CENTRES / 1000) ** -0.8)
    s = 10 ** ((-2 - 2.05 * np.arctan(CENTRES / 4000) - 0.75 * np.arctan((CENTRES / 1600) ** 2)) / 10)
    sone = 1.07664 * (threshold / s / 1e4) ** 0.23 * ((1 - s + s * excitation / threshold) ** 0.23 - 1)
    return dict(spectra=spectra, excitation=excitation, level=level, modulation=change / (1 + level / 0.3),
                sone=24 / COUNT * np.maximum(sone, 0).sum(1), newest=(frames[:, HOP:] ** 2).sum(1) * 32768.0 ** 2)


def adapted(r, d):
    pr, pd = smooth(r, SLOW), smooth(d, SLOW)
    gain = ((np.sqrt(pr * pd).sum(1) / pd.sum(1)) ** 2)[:, None]
    r, d = np.where(gain > 1, r / gain, r), np.where(gain > 1, d, d * gain)
    ratio = smooth(r * d, SLOW, 1.0) / smooth(r * r, SLOW, 1.0)
    near = lambda x: np.stack([x[:, max(0, k - 3):k + 5].mean(1) for k in range(COUNT)], 1)
    return r * smooth(near(np.minimum(ratio, 1)), SLOW), d * smooth(near(np.minimum(1 / ratio, 1)), SLOW)


def harmonics(r, d):
    floor = 1e-15
    e = np.log(np.maximum(d[1:513], floor)) - np.log(np.maximum(r[1:513], floor))
    norm = lambda lag: np.linalg.norm(e[lag:lag + 256])
    c = np.array([e[:256] @ e[lag:lag + 256] / (norm(0) * norm(lag)) if norm(0) * norm(lag) > 0 else 1.0 for lag in range(256)])
    window = np.sqrt(8 / 3) / 256 * (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(256) / 255))
    power = np.abs(np.fft.rfft((c - c.mean()) * window)) ** 2
    rising = np.flatnonzero(np.diff(power) > 0)
    return power[rising[0] + 1:].max() if len(rising) else 0.0


def channel(reference, decoded):
    """The model output variables of one channel, and what is needed to join the channels' detection."""
    r, d = patterns(reference), patterns(decoded)
    five = np.convolve(np.abs(reference), np.ones(5), "valid") * 32768 > 200
    if not five.any():
        return None
    loud = np.flatnonzero(five)
    first = max(0, -(-(loud[0] - (SIZE - 1)) // HOP))
    last = min(len(r["spectra"]) - 1, (loud[-1] + 4) // HOP)
    every = slice(first, last + 1)
    late = slice(max(first, 24), last + 1)
    out = {}
    noise = d["spectra"][:, 921:1024].max(1)
    widths = []
    for a, b, n in zip(r["spectra"][every], d["spectra"][every], noise[every]):
        over = np.flatnonzero(a[:921] > 10 ** 0.5 * n)
        width = over[-1] + 1 if len(over) else 0
        if width > 346:
            over = np.flatnonzero(b[:width] > 10 ** 0.25 * n)
            widths.append((width, over[-1] + 1 if len(over) else 0))
    out["bandwidth_reference"], out["bandwidth_decoded"] = np.mean(widths, 0) if widths else (None, None)
    ratio = bands((r["spectra"] - d["spectra"]) ** 2 * EAR) * OFFSETS / r["excitation"]
    mean_ratio = ratio[every].mean()
    out["total_nmr_db"] = 10 * np.log10(mean_ratio) if mean_ratio > 0 else None
    out["disturbed_frames"] = (ratio[every].max(1) > 10 ** 0.15).mean()
    gap = np.abs(r["modulation"] - d["modulation"])
    one = 100 * (gap / (1 + r["modulation"])).mean(1)[late]
    two = 100 * (np.where(d["modulation"] >= r["modulation"], gap, gap / 10) / (0.01 + r["modulation"])).mean(1)[late]
    weight = (r["level"] / (r["level"] + 100 * NOISE ** 0.3)).sum(1)[late]
    if len(one) < 4:
        return None
    out["avg_mod_diff_1"], out["avg_mod_diff_2"] = (one * weight).sum() / weight.sum(), (two * weight).sum() / weight.sum()
    out["win_mod_diff_1"] = np.sqrt((np.convolve(np.sqrt(one), np.ones(4) / 4, "valid") ** 4).mean())
    er, ed = adapted(r["excitation"], d["excitation"])
    sr, sd = 0.15 * r["modulation"] + 0.5, 0.15 * d["modulation"] + 0.5
    with np.errstate(over="ignore"):
        beta = np.exp(np.minimum(-1.5 * (ed - er) / er, 700))
    noise_loudness = 24 / COUNT * ((NOISE / sd) ** 0.23 * ((1 + np.maximum(sd * ed - sr * er, 0) / (NOISE + sr * er * beta)) ** 0.23 - 1)).sum(1)
    heard = [np.flatnonzero(side["sone"][every] >= 0.1) for side in (r, d)]
    out["noise_loudness"] = None
    if all(map(len, heard)):
        part = noise_loudness[max(late.start, first + max(h[0] for h in heard) + 3):last + 1]
        out["noise_loudness"] = np.sqrt((part ** 2).mean()) if len(part) else None
    dbr, dbd = 10 * np.log10(r["excitation"]), 10 * np.log10(d["excitation"])
    gap = dbr - dbd
    level = 0.3 * np.maximum(dbr, dbd) + 0.7 * dbd
    safe = np.where(level > 0, level, 1.0)
    step = 5.95072 * (6.39468 / safe) ** 1.71332 + np.polyval([9.01033e-11, 5.05622e-6, -0.00102438, 0.0550197, -0.198719], safe)
    step = np.where(level > 0, step, 1e30)
    missed = 0.5 ** ((gap / step) ** np.where(gap > 0, 4, 6))
    steps = np.abs(np.trunc(gap)) / step
    loud = np.flatnonzero((r["newest"] >= 8000) | (d["newest"] >= 8000))
    loud = loud[(loud >= first) & (loud <= last)]
    out["harmonics"] = 1000 * np.mean([harmonics(r["spectra"][i], d["spectra"][i]) for i in loud]) if len(loud) else None
    return out, missed[every], steps[every]


def variables(reference, decoded):
    """The model output variables of a clip, `[sample, channel]`: means over channels, detection by the better ear."""
    found = [channel(r, d) for r, d in zip(reference.T, decoded.T)]
    if None in found:
        return None
    mean = lambda values: None if None in values else np.mean(values)
    out = {name: mean([values[name] for values, _, _ in found]) for name in found[0][0]}
    probability = 1 - np.prod(np.min([missed for _, missed, _ in found], 0), 1)
    steps = np.max([steps for _, _, steps in found], 0).sum(1)
    out["detection_probability"] = smooth(probability[:, None], 0.9).max()
    noticed = steps[probability > 0.5]
    out["detection_steps_log"] = 0.0 if not len(noticed) else np.log10(noticed.mean()) if noticed.sum() > 0 else -0.5
    return out


# Tables 13 to 16 of the Recommendation, a line for each variable: least, most, and weights of the three nodes.
NETWORK = """
bandwidth_reference 393.916656 921 -.502657 .436333 1.219602
bandwidth_decoded 361.965332 881.131226 4.307481 3.246017 1.123743
total_nmr_db -24.045116 16.212030 4.984241 -2.211189 -.192096
win_mod_diff_1 1.110661 107.137772 .051056 -1.762424 4.331315
detection_steps_log -.206623 2.886017 2.321580 1.789971 -.754560
harmonics .074318 13.933351 -5.303901 -3.452257 -10.814982
avg_mod_diff_1 1.113683 63.257874 2.730991 -6.111805 1.519223
avg_mod_diff_2 .950345 1145.018555 .624950 -1.331523 -5.955151
noise_loudness .029985 14.819740 3.102889 .871260 -5.922878
detection_probability .000101 1 -1.051468 -.939882 -.142913
disturbed_frames 0 1 -1.804679 -.503610 -.620456"""
NETWORK = [(name, *map(float, numbers)) for name, *numbers in map(str.split, NETWORK.strip().splitlines())]


def grades(values):
    """(Objective difference grade, 2f score); the first is None where a variable is missing."""
    two_f = 56.1345 / (1 + (-0.0282 * values["avg_mod_diff_1"] - 0.8628) ** 2) - 27.1451 * values["detection_steps_log"] + 86.3515
    two_f = float(np.clip(two_f, 0, 100))
    if any(values[name] is None for name, *_ in NETWORK):
        return None, two_f
    sigmoid = lambda x: 1 / (1 + np.exp(-x))
    inputs = np.array([(values[name] - low) / (high - low) for name, low, high, *_ in NETWORK])
    nodes = sigmoid(inputs @ np.array([row[3:] for row in NETWORK]) + [-2.518254, .654841, -2.207228])
    return float(-3.98 + 4.2 * sigmoid(nodes @ [-3.817048, 4.107138, 4.629582] - .307594)), two_f


def package(reference, decoded):
    """AvgModDiff1B and ADBB by the package seabass-2f."""
    from seabass.core.model_output_variables import PeaqModelOutputVariables
    found = PeaqModelOutputVariables(decoded.astype(float)[None], reference.astype(float)[None]).compute()
    return dict(avg_mod_diff_1=float(np.squeeze(found["avg_mod_diff1"])), detection_steps_log=float(np.squeeze(found["adb"])))


if __name__ == "__main__":
    import importlib.util, versions
    has_package = importlib.util.find_spec("seabass") is not None
    plain = lambda values: {k: None if v is None else float(v) for k, v in values.items()}
    for line, reference, version in versions.pairs(sys.argv[1], sys.argv[2:]):
        found = variables(reference.astype(float)[:, None], version.astype(float)[:, None])
        line["variables"] = found and dict(plain(found), **dict(zip(("odg", "two_f"), grades(found))))
        line["package"] = package(reference, version) if has_package else None
        print(json.dumps(line))

"""Pairs of a reference and a worse version of it, for the tests that set our metrics beside other implementations.

`pairs(folder, files)` gives (line, reference, version): 48 kHz mono f32 arrays, both written to `folder` as N.f32
(little-endian), and a dict with their numbers N.  Without files the sound is synthesised."""
import os, shutil, subprocess
import numpy as np


def spectrum(x, change):
    f = np.fft.rfftfreq(len(x), 1 / 48000)
    return np.fft.irfft(np.fft.rfft(x) * change(f), len(x)).astype(np.float32)


def versions(x, generator):
    """Band limits, noise that follows the signal, coarse steps, a gain, a drift of 0.1 %, silence."""
    noise = generator.standard_normal(len(x)).astype(np.float32)
    at = np.arange(len(x)) * 1.001
    return [spectrum(x, lambda f: f < 3500), spectrum(x, lambda f: (f > 200) & (f < 12000)), x + 0.02 * np.abs(x) * noise,
            x + 0.3 * np.abs(x) * noise, (np.round(x * 128) / 128).astype(np.float32), 0.9 * x,
            np.interp(at, np.arange(len(x)), x).astype(np.float32), 0 * x]


def coded(x, folder):
    """What real codecs make of it, those that are installed."""
    import soundfile as sf
    source, file, decoded = (f"{folder}/codec.{end}" for end in ("wav", "bin", "dec.wav"))
    sf.write(source, np.clip(x, -1, 1), 48000, subtype="PCM_16")
    jobs = [(["lame", "--quiet", "--abr", rate, source, file], ["lame", "--quiet", "--mp3input", "--decode", file, decoded])
            for rate in ("16", "64", "192")]
    jobs += [(["opusenc", "--quiet", "--bitrate", rate, source, file], ["opusdec", "--quiet", "--rate", "48000", file, decoded])
             for rate in ("6", "24", "96")]
    for job in jobs:
        if shutil.which(job[0][0]) and shutil.which(job[1][0]) and all(subprocess.run(c).returncode == 0 for c in job):
            y, rate = sf.read(decoded, dtype="float32", always_2d=True)
            y = np.interp(np.arange(len(x)) * (rate / 48000), np.arange(len(y)), y[:, 0]).astype(np.float32)
            yield y


def sources(files, generator):
    for path in files:
        import soundfile as sf
        from scipy.signal import resample_poly
        x, rate = sf.read(path, dtype="float32", always_2d=True, frames=30 * 44100)
        yield resample_poly(x[rate:13 * rate, 0], 480, rate // 100).astype(np.float32)
    for seconds in (0.5, 1.7, 6) if not files else ():
        t = np.arange(int(seconds * 48000)) / 48000
        notes = sum(0.1 * np.sin(2 * np.pi * hz * t) * np.exp(-((t * speed) % 1) * 4) for hz, speed in
                    ((110, 2), (440, 3), (1319, 5), (5274, 7)))
        yield (notes + 0.02 * generator.standard_normal(len(t)) * (np.sin(2 * np.pi * t) > 0)).astype(np.float32)


def pairs(folder, files):
    generator = np.random.default_rng(1)
    written = 0
    def put(x):
        nonlocal written
        np.asarray(x, "<f4").tofile(os.path.join(folder, f"{written}.f32"))
        written += 1
        return written - 1
    for x in sources(files, generator):
        at = put(x)
        for y in [*versions(x, generator), *(coded(x, folder) if files else ())]:
            yield dict(reference=at, decoded=put(y)), np.ascontiguousarray(x), np.ascontiguousarray(y)

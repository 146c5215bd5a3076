"""Runs the independent numpy implementation on real excerpts for the test beside this file.

argv: folder of metrics.py, output folder, seconds, audio files.  For each file writes N.ref.f32 and
N.dec.f32 (frames x channels, little-endian f32) and prints one JSON line with what it measured."""
import json, os, sys
for k in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[k] = "1"
sys.path.insert(0, sys.argv[1])
import numpy as np, soundfile as sf
import metrics as M

out, seconds = sys.argv[2], float(sys.argv[3])
for number, path in enumerate(sys.argv[4:]):
    x, rate = sf.read(path, dtype="float32", always_2d=True)
    x = x[: int(seconds * rate)]
    # A bad codec: band limit, noise that follows the signal, a gain, a delay and a rougher right channel.
    generator = np.random.default_rng(number)
    y = M.resample(M.resample(x, rate, rate * 3 // 8), rate * 3 // 8, rate)[: len(x)]
    y = y + 0.1 * np.abs(y) * generator.standard_normal(y.shape)
    y[:, -1:] = np.round(y[:, -1:] * 64) / 64
    y = M.shift_frac(np.vstack([np.zeros((1105, x.shape[1])), 0.95 * y]), 0.4).astype(np.float32)
    x.tofile(f"{out}/{number}.ref.f32")
    y.tofile(f"{out}/{number}.dec.f32")
    _, d, lag = M.align(x, y, rate)
    tau = M.frac_delay(x, d, rate)
    scores = {k: float(v) for k, v in M.evaluate(M.Ref(x, rate), d, ("core",)).items()}
    print(json.dumps(dict(path=path, rate=rate, channels=x.shape[1], lag=lag, tau=tau, scores=scores)))

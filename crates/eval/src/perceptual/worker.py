"""Perceptual distances for melisma-eval: one process, frames on stdin and stdout, little-endian.

argv: comma-separated names (visqol).  Starts by writing the names it can do as one line.
Request: u32 kind (1 reference, 2 decoded), u32 channels, u32 samples, then f32 [channel][sample] at 48 kHz.
A reference has no answer; a decoded version is answered by one f64 for each name it can do."""
import os, struct, sys
for k in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[k] = "1"
channel_in, channel_out = sys.stdin.buffer, sys.stdout.buffer
sys.stdout = sys.stderr                      # whatever a package prints must not enter the frames

def make_visqol():
    import logging; logging.disable(logging.WARNING)
    from visqol import VisqolApi
    tool = VisqolApi(); tool.create(mode="audio", disable_global_alignment=True)
    mono = lambda a: np.mean(a, axis=0).astype(np.float64)
    return lambda a, b: float(tool.measure_from_arrays(mono(a), mono(b), 48000).moslqo)

tools = {}
try:
    import numpy as np
    for name in sys.argv[1].split(","):
        try:
            tools[name] = dict(visqol=make_visqol)[name]()
        except Exception as error:
            print(f"{name}: {error!r}", file=sys.stderr)
except Exception as error:
    print(repr(error), file=sys.stderr)
channel_out.write((",".join(tools) + "\n").encode()); channel_out.flush()

reference = None
while len(head := channel_in.read(12)) == 12:
    kind, channels, samples = struct.unpack("<III", head)
    data = np.frombuffer(channel_in.read(4 * channels * samples), dtype="<f4").reshape(channels, samples)
    if kind == 1:
        reference = data
        continue
    for name, tool in tools.items():
        try:
            value = tool(reference, data)
        except Exception as error:
            print(f"{name}: {error!r}", file=sys.stderr); value = float("nan")
        channel_out.write(struct.pack("<d", value))
    channel_out.flush()

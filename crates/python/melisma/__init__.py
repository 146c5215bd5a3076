"""Melisma: a music codec for low bitrates, whose files describe music before they are a waveform.

>>> import melisma, numpy as np
>>> x = np.random.default_rng(1).normal(0, 0.1, (44_100, 2)).astype("float32")
>>> data = melisma.encode(x, sample_rate=44_100, bitrate=32_000)   # the bytes of a .mlsm file
>>> audio = melisma.decode(data)
>>> audio.samples.shape, audio.samples.dtype, audio.sample_rate
((44100, 2), dtype('float32'), 44100)

There is one order of axes: **sound is float32 of shape (samples, channels)**, nominally from -1 to 1, in
and out. One channel may also be given as (samples,). Rates are in samples per second, times in seconds.

| what                                        | with                                        |
|---------------------------------------------|---------------------------------------------|
| sound to bytes and back                     | `encode`, `decode`                          |
| the same in pieces, in constant memory      | `Encoder`, `Decoder`                        |
| parts of a file, its tags and cover         | `open`: `f[10.0:20.0]`, `f.read`, `f.tags`  |
| how loud is each band when, not decoding    | `sketch`, `File.sketch`                     |
| a track as a point, its label, its like     | `embed`, `classify`, `similar`              |
| how far is decoded sound from its reference | `melisma.bench`                             |
| what can go wrong                           | `melisma.errors`                            |

The lock of the interpreter is let go while anything is coded, decoded, read or measured, so that threads
work side by side; what is forked works too. RAYON_NUM_THREADS says how many threads one call may use.
"""

from . import bench, errors
from ._melisma import (
    EMBEDDING_VERSION,
    Audio,
    Damage,
    Decoder,
    Encoder,
    File,
    Labels,
    Neighbour,
    Sketch,
    __version__,
    classify,
    decode,
    embed,
    encode,
    open,
    similar,
    sketch,
)
from .errors import FileError, FormatError, InputError, MelismaError, MissingFileError

__all__ = [
    "Audio",
    "Damage",
    "Decoder",
    "EMBEDDING_VERSION",
    "Encoder",
    "File",
    "FileError",
    "FormatError",
    "InputError",
    "Labels",
    "MelismaError",
    "MissingFileError",
    "Neighbour",
    "Sketch",
    "__version__",
    "bench",
    "classify",
    "decode",
    "embed",
    "encode",
    "errors",
    "open",
    "similar",
    "sketch",
]

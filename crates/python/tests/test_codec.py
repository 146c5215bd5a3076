"""Sound to bytes and back: shapes, rates, settings, streams, damage."""

import numpy as np
import pytest
from conftest import music

import melisma


def snr(x, y):
    return 10 * np.log10(np.sum(x**2) / np.sum((x - y) ** 2))


@pytest.mark.parametrize("rate", [8_000, 22_050, 44_100, 48_000])
@pytest.mark.parametrize("channels", [1, 2])
def test_round_trip(rate, channels):
    x = music(3, rate, channels)
    audio = melisma.decode(melisma.encode(x, rate, quality=8))
    assert audio.samples.shape == x.shape and audio.samples.dtype == np.float32
    assert audio.samples.flags.c_contiguous
    assert audio.sample_rate == rate and audio.seconds == pytest.approx(3)
    # Channels and samples are where they were: anything else is far below 0 dB.
    assert snr(x, audio.samples) > 15


def test_channels_keep_their_order():
    x = np.zeros((44_100, 2), np.float32)
    x[:, 1] = music(1, channels=1)[:, 0]
    left, right = melisma.decode(melisma.encode(x, 44_100, quality=8)).samples.T
    assert np.sum(left**2) < 1e-3 * np.sum(right**2)


def test_what_counts_as_sound():
    x = music(1, channels=1)
    same = melisma.encode(x, 44_100)
    assert melisma.encode(x[:, 0], 44_100) == same, "one channel may be flat"
    assert melisma.encode(x.astype(np.float64), 44_100) == same
    assert melisma.encode(np.asfortranarray(x), 44_100) == same
    assert melisma.encode(x[:, 0].tolist(), 44_100) == same
    assert melisma.encode(np.repeat(x, 2, axis=0)[::2], 44_100) == same, "strides are followed"
    assert melisma.decode(melisma.encode(np.zeros((0, 2)), 44_100)).samples.shape == (0, 2)


@pytest.mark.parametrize(
    ("x", "rate", "settings", "words"),
    [
        (np.zeros((2, 44_100)), 44_100, {}, r"shape \[2, 44100\].*\(samples, channels\).*x.T"),
        (np.zeros((10, 6)), 44_100, {}, r"1 or 2 channels"),
        (np.zeros((3, 10, 2)), 44_100, {}, r"shape \[3, 10, 2\]"),
        (np.float32(1), 44_100, {}, r"shape \[\]"),
        (np.zeros(10, np.int16), 44_100, {}, "int16.*divided by 32768"),
        (np.zeros(10), 96_000, {}, "96000 Hz.*resample"),
        (np.zeros(10), 44_100, {"bitrate": 24}, "24 bit/s.*500 bit/s"),
        (np.zeros(10), 44_100, {"bitrate": float("nan")}, "0 bit/s"),
        (np.zeros(10), 44_100, {"quality": 11}, "quality is 11.*0..=10"),
        (np.zeros(10), 44_100, {"quality": 5, "bitrate": 24_000}, "one of them"),
        (np.zeros(10), 44_100, {"tune": "loud"}, '"loud".*"music" or "mse"'),
        (np.zeros(10), 44_100, {"tags": {"TITLE": 3}}, "TITLE.*string"),
        (np.zeros(10), 44_100, {"tags": {"A=B": "c"}}, "A=B"),
    ],
)
def test_refusals_say_what_would_do(x, rate, settings, words):
    with pytest.raises(melisma.InputError, match=words) as caught:
        melisma.encode(x, rate, **settings)
    assert isinstance(caught.value, ValueError) and isinstance(caught.value, melisma.MelismaError)


def test_rates_are_kept(x):
    for bitrate in (16_000, 64_000):
        assert len(melisma.encode(x, 44_100, bitrate=bitrate)) * 8 / 20 == pytest.approx(bitrate, rel=0.05)
    sizes = [len(melisma.encode(x, 44_100, quality=quality)) for quality in (1, 5, 9)]
    assert sizes == sorted(sizes) and sizes[0] < sizes[2] / 2
    assert melisma.encode(x, 44_100, tune="mse") != melisma.encode(x, 44_100)


def test_tags_cover_and_loudness(x, data):
    audio = melisma.decode(data)
    assert audio.tags == {"TITLE": ["Chords"], "GENRE": ["Test", "Tone"]}
    assert audio.cover is None and audio.damage == []
    assert -40 < audio.loudness < -5
    cover = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
    assert melisma.decode(melisma.encode(x[:4410], 44_100, cover=cover)).cover == cover
    assert melisma.decode(melisma.encode(np.zeros(44_100), 44_100)).loudness is None


def test_streams_are_what_whole_files_are(x, data):
    encoder = melisma.Encoder(44_100, 2, quality=4)
    pieces = [encoder.push(piece) for piece in np.array_split(x, 37)] + [encoder.finish()]
    file = b"".join(pieces)
    whole = melisma.decode(file).samples
    assert whole.shape == x.shape
    for length in (1, 997, len(file)):
        if length == 1:
            source = melisma.encode(x[:8000], 44_100)
        else:
            source = file
        decoder, blocks = melisma.Decoder(), []
        assert decoder.sample_rate is None and decoder.tags is None
        for start in range(0, len(source), length):
            blocks += decoder.push(source[start : start + length])
        blocks += decoder.finish()
        assert (decoder.sample_rate, decoder.channels) == (44_100, 2)
        assert np.array_equal(np.concatenate(blocks), melisma.decode(source).samples)
    with pytest.raises(melisma.InputError, match="finished"):
        encoder.push(x)
    with pytest.raises(melisma.InputError, match="finished"):
        decoder.push(b"")
    with pytest.raises(melisma.InputError, match="channels"):
        melisma.Encoder(44_100, 2).push(x[:, :1])
    with pytest.raises(melisma.InputError, match="3 channels"):
        melisma.Encoder(44_100, 3)


def test_damage_is_silent_and_told(x, data):
    broken = bytearray(data)
    middle = len(broken) // 2
    broken[middle : middle + 10] = b"\0" * 10
    audio = melisma.decode(bytes(broken))
    assert audio.samples.shape == x.shape
    (place,) = audio.damage
    assert 0 < place.samples <= 6 * 44_100 + 4096 and place.what
    silent = audio.samples[place.first_sample + 4096 : place.first_sample + place.samples - 4096]
    assert len(silent) and not silent.any()
    assert f"samples={place.samples}" in repr(place)


@pytest.mark.parametrize("rubbish", [b"", b"RIFF", b"\0" * 1000, b"MLSM" * 100])
def test_rubbish_is_no_file(rubbish):
    with pytest.raises(melisma.FormatError, match="not a .mlsm file|header is damaged") as caught:
        melisma.decode(rubbish)
    assert isinstance(caught.value, ValueError)
    decoder = melisma.Decoder()
    with pytest.raises(melisma.FormatError):
        decoder.push(rubbish)
        decoder.finish()


def test_any_cut_and_any_flip_is_survived(data):
    rng = np.random.default_rng(3)
    for _ in range(30):
        broken = bytearray(data[: rng.integers(1, len(data))])
        for at in rng.integers(0, len(broken), 5):
            broken[at] ^= int(rng.integers(1, 256))
        try:
            audio = melisma.decode(bytes(broken))
        except melisma.FormatError:
            continue
        assert audio.samples.shape[0] < 10 * 60 * 44_100

"""A second decoder of symbols, written after docs/format.md and not after the Rust code.

Decodes the golden vectors (all, or those named) and compares their symbols with expected.tsv. It stops before the sound; plain Python, no packages.
Slow on purpose: every formula stands here as it stands on that page.
"""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
MODELS = HERE / "../../crates/codec/model"
# By the version of the format that they are for.
TABLES = {1: MODELS / "music-tables.bin", 3: MODELS / "music-tables-3.bin"}


class Fields:
    """A cursor over bytes."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, count):
        assert self.at + count <= len(self.data), "the data ends inside a field"
        self.at += count
        return self.data[self.at - count : self.at]

    def integer(self, count):
        return int.from_bytes(self.take(count), "little")

    def signed16(self):
        return int.from_bytes(self.take(2), "little", signed=True)

    def varint(self):
        value, shift = 0, 0
        while True:
            byte = self.integer(1)
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value


def clamp(x, lo, hi):
    return max(lo, min(hi, x))


# 1. Chunks


def crc32c_table():
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
        table.append(byte)
    return table


CRC_TABLE = crc32c_table()


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ CRC_TABLE[(crc ^ byte) & 255]
    return crc ^ 0xFFFFFFFF


def chunks(data):
    """(kind, payload, offset, size) of every chunk of an intact file; checks the end marker."""
    at = 0
    while True:
        fields = Fields(data[at:])
        assert fields.integer(1) == 0xF5
        kind = fields.take(1).decode()
        length = fields.varint()
        payload = fields.take(length)
        covered = fields.at
        assert fields.integer(4) == crc32c(data[at : at + covered]), "checksum"
        yield kind, payload, at, fields.at
        at += fields.at
        if kind == "T":
            assert data[at:] == fields.at.to_bytes(4, "little") + b"mlsE", "end marker"
            return


# 5. Entropy coding


class RangeDecoder:
    def __init__(self, data):
        self.data, self.at = data, 0
        self.low, self.high, self.value = 0, 0xFFFFFFFF, 0
        for _ in range(4):
            self.value = self.value << 8 | self.next_byte()

    def next_byte(self):
        byte = self.data[self.at] if self.at < len(self.data) else 0
        self.at += 1
        return byte

    def bit(self, p):
        middle = self.low + ((self.high - self.low) * p >> 16)
        bit = self.value <= middle
        if bit:
            self.high = middle
        else:
            self.low = middle + 1
        while self.low >> 24 == self.high >> 24:
            self.low = self.low << 8 & 0xFFFFFFFF
            self.high = (self.high << 8 | 255) & 0xFFFFFFFF
            self.value = (self.value << 8 | self.next_byte()) & 0xFFFFFFFF
        return int(bit)

    def raw(self, count):
        value = 0
        for _ in range(count):
            value = value << 1 | self.bit(32768)
        return value

    def overrun(self):
        return self.at > len(self.data) + 1024


RECIPROCALS = [(131072 + (2 * n + 3) // 2) // (2 * n + 3) for n in range(256)]


class Counter:
    __slots__ = ("q", "c")

    def __init__(self, t, count):
        self.q, self.c = t * 1024 + 512, count

    def learn(self, bit, limit):
        target = 2**22 - 1 if bit else 0
        self.q += (target - self.q) * RECIPROCALS[min(self.c, 255)] >> 16
        if self.c < limit:
            self.c += 1


KNOTS = [int(word) for word in """
   22    28    36    47    60    77    98   126   162   208   267   342   439
  562   720   922  1179  1506  1921  2446  3108  3938  4971  6249  7812  9702
11955 14595 17625 21025 24743 28693 32768 36843 40793 44511 47911 50941 53581
55834 57724 59287 60565 61598 62428 63090 63615 64030 64357 64614 64816 64974
65097 65194 65269 65328 65374 65410 65438 65459 65476 65489 65500 65508 65514
""".split()]


def squash(x):
    x = clamp(x, -2047, 2047)
    i, f = (x + 2048) >> 6, (x + 2048) & 63
    return (KNOTS[i] * (64 - f) + KNOTS[i + 1] * f + 32) >> 6


def stretch_table():
    table, x = [], -2047
    for t in range(4096):
        while x < 2047 and squash(x) < 16 * t + 8:
            x += 1
        table.append(x)
    return table


STRETCH = stretch_table()


class Mixer:
    def __init__(self, fields, inputs, counters, sets):
        self.rate, self.limit = fields.integer(2), fields.integer(1)
        self.counters = read_counters(fields, counters)
        self.sets = [[fields.signed16() * 16 for _ in range(inputs + 1)] for _ in range(sets)]

    def code(self, coder, slots, a, b):
        counters = [self.counters[slot] for slot in slots]
        x = [STRETCH[counter.q >> 10] for counter in counters]
        a, b = self.sets[a], self.sets[b]
        total = (a[-1] + b[-1] << 8) + sum(v * (p + q) for v, p, q in zip(x, a, b))
        p = clamp(squash(clamp(total >> 16, -4096, 4096)), 24, 65512)
        bit = coder.bit(p)
        e = ((bit << 16) - p) * self.rate
        for weights in (a, b):
            for i, v in enumerate(x):
                weights[i] = clamp(weights[i] + (v * e + 2**23 >> 24), -524288, 524288)
            weights[-1] = clamp(weights[-1] + (e + 2**15 >> 16), -524288, 524288)
        for counter in counters:
            counter.learn(bit, self.limit)
        return bit


TRUST = [0, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 144, 224]


def read_counters(fields, count):
    packed = [fields.integer(2) for _ in range(count)]
    return [Counter(value >> 4, TRUST[value & 15]) for value in packed]


class Model:
    """The whole table; each sub-stream gets a fresh one."""

    def __init__(self, version, table):
        fields = Fields(table)
        scales, magnitudes, sets, size = {1: (7190, 20688, 136, 59034), 3: (30390, 31856, 68, 126546)}[version]
        self.scales = Mixer(fields, 5, scales, 15)
        self.sketch = read_counters(fields, 58)
        self.magnitudes = Mixer(fields, 8, magnitudes, sets)
        self.detail = read_counters(fields, 264)
        assert fields.at == len(table) == size


def by_counter(coder, counter, limit):
    bit = coder.bit(clamp(16 * (counter.q >> 10) + 8, 64, 65472))
    counter.learn(bit, limit)
    return bit


class Check:
    def __init__(self):
        self.s = 0

    def add(self, x):
        s = ((self.s ^ x) & 0xFFFFFFFF) * 0x9E3779B1 & 0xFFFFFFFF
        self.s = (s << 7 | s >> 25) & 0xFFFFFFFF

    def value(self):
        return (self.s ^ self.s >> 16) & 0xFFFF


# 6. Geometry

EDGES = [int(word) for word in """100 200 300 400 510 630 770 920 1080 1270 1480 1720 2000 2320 2700 3150 3700 4400 5300
6400 7700 9500 12000 15500 19000 24000""".split()]


class Geometry:
    def __init__(self, rate, channels, log2):
        self.rate, self.channels, self.log2 = rate, channels, log2
        self.base_bands = 1 + sum(2 * edge < rate for edge in EDGES[:-1])
        self.layouts = {size: self.bands(2**size) for size in range(log2 - 4, log2 + 1)}

    def bands(self, n):
        """[(first bin, end, first base band, end)]"""
        bins, bases = [0], [0]
        for b in range(self.base_bands):
            last = b == self.base_bands - 1
            at = n if last else min(n, (4 * EDGES[b] * n + self.rate) // (2 * self.rate))
            if at >= bins[-1] + 4 and (last or n - at >= 4):
                bins.append(at)
                bases.append(b + 1)
            elif last:
                if len(bins) > 1:
                    bins.pop()
                    bases.pop()
                bins.append(n)
                bases.append(self.base_bands)
        return list(zip(bins, bins[1:], bases, bases[1:]))


def mean(values):
    return (sum(values) + len(values) // 2) // len(values)


# 7. The sketch


def seven(x):
    return clamp(x, -3, 3) + 3


def truncated(x, y):
    return x // y if x >= 0 else -(-x // y)


class SketchDecoder:
    def __init__(self, coder, version, model, geometry, grid):
        self.coder, self.version, self.model, self.geometry, self.grid = coder, version, model, geometry, grid
        self.frames = []
        self.angles = [8] * geometry.base_bands
        self.angles_changed = self.last_depth = self.last_splits = 0
        self.means = [[36 * 64] * geometry.base_bands for _ in range(geometry.channels)]
        self.check = Check()

    def plain(self, index):
        return by_counter(self.coder, self.model.sketch[index], 60)

    def superframe(self, number):
        sizes = self.partition(0)
        self.last_depth = max(self.geometry.log2 - size for size in sizes)
        for size in sizes:
            self.check.add(size)
        angles = self.code_angles(min(sizes)) if self.geometry.channels == 2 else []
        if self.grid == 0:
            frames = [self.frame(size) for size in sizes]
        else:
            frames = [self.frame(self.geometry.log2)] if number % self.grid == 0 else []
        return sizes, angles, frames

    def partition(self, depth):
        if depth < 4 and self.plain(3 * depth + min(2, max(0, self.last_depth - depth))):
            return self.partition(depth + 1) + self.partition(depth + 1)
        return [self.geometry.log2 - depth]

    def code_angles(self, smallest):
        self.angles_changed = self.plain(12 + self.angles_changed)
        if self.angles_changed:
            c = 0
            for _, _, base, end in self.geometry.layouts[smallest]:
                angle = self.angles[base]
                differs = self.plain(14 + c)
                c = (2 * c + differs) & 3
                if differs:
                    node = 1
                    for _ in range(5):
                        node = 2 * node + self.plain(18 + node)
                    angle = node - 32
                self.angles[base:end] = [angle] * (end - base)
        return list(self.angles)

    def frame(self, size):
        geometry = self.geometry
        bands, splits = geometry.layouts[size], geometry.log2 - size
        frame = [[0] * geometry.base_bands for _ in range(geometry.channels)]
        differences = [[0] * len(bands) for _ in range(geometry.channels)]
        last_frame = self.frames[-1] if self.frames else None
        before_frame = self.frames[-2] if len(self.frames) > 1 else None
        first = int(last_frame is None)
        for channel in range(geometry.channels):
            row = differences[channel]
            for j, (_, _, base, end) in enumerate(bands):
                below = frame[channel][base - 1] if j > 0 else None
                if last_frame:
                    prediction = mean(last_frame[channel][base:end])
                else:
                    prediction = 36 if below is None else below
                d1 = row[j - 1] if j >= 1 else 0
                d2 = row[j - 2] if j >= 2 else 0
                slope = 0 if below is None else clamp(below - prediction, -8, 8)
                trend = rise = 0
                if before_frame:
                    trend = clamp(prediction - mean(before_frame[channel][base:end]), -3, 3)
                if last_frame and j + 1 < len(bands):
                    rise = truncated(clamp(last_frame[channel][end] - prediction, -12, 12), 3)
                beside = differences[0][j] if channel == 1 else d1
                if self.version == 1:
                    contexts = [
                        49 * first + 7 * seven(d1) + seven(d2),
                        6 * (2 * base + channel) + (5 if first else splits),
                        17 * seven(trend) + slope + 8,
                        7 * (9 * channel + rise + 4) + seven(beside),
                        prediction,
                    ]
                else:
                    mean_steps = self.means[channel][base] - 64 * prediction + 32 >> 6
                    across = around = 0
                    if channel == 1:
                        across = frame[0][base] - prediction
                        around = differences[0][j - 1] if j > 0 else 0
                        around += differences[0][j + 1] if j + 1 < len(bands) else 0
                    elif last_frame and geometry.channels == 2:
                        across = last_frame[1][base] - prediction
                    contexts = [
                        49 * first + 7 * seven(d1) + seven(d2),
                        17 * seven(trend) + slope + 8,
                        13 * (5 * splits + self.last_splits) + clamp(mean_steps, -6, 6) + 6,
                        32 * (2 * base + channel) + prediction // 2,
                        7 * (7 * (clamp(across, -8, 8) + 8) + seven(differences[0][j])) + seven(around),
                    ]
                row[j] = self.difference(contexts, splits)
                value = clamp(prediction + row[j], 0, 63)
                self.check.add(value)
                frame[channel][base:end] = [value] * (end - base)
        self.frames.append(frame)
        self.last_splits = splits
        for means, values in zip(self.means, frame):
            for b, value in enumerate(values):
                means[b] += 64 * value - means[b] >> 2
        return frame

    def difference(self, contexts, splits):
        def decide(decision):
            origins = (0, 98, 410, 529, 655) if self.version == 1 else (0, 98, 217, 542, 2206)
            slots = [10 * (o + c) + decision for o, c in zip(origins, contexts)]
            return self.model.scales.code(self.coder, slots, decision, 10 + splits)

        if not decide(0):
            return 0
        negative, m = decide(1), 1
        while m < 24 and decide(min(1 + m, 8) + (1 if negative and m > 6 else 0)):
            m += 1
        if m == 24:
            m += self.coder.raw(6)
        return -m if negative else m


# 8. The detail

LEVEL_BOUNDS = [4, 6, 8, 11, 16, 24, 40, 80]


def level(x, most):
    if x <= 4:
        return min(most, x)
    return min(most, 4 + sum(x > bound for bound in LEVEL_BOUNDS))


def fine(x):
    if x < 8:
        return x
    g = x.bit_length() - 1
    return min(25, 8 + 4 * (g - 3) + (x >> (g - 2) & 3))


def resampled(row, n):
    m = len(row)
    if m == 0:
        return [0] * n
    if m >= n:
        r = m // n
        return [-(-sum(row[i * r : (i + 1) * r]) // r) for i in range(n)]
    return [value for value in row for _ in range(n // m)]


PAD = 8


class DetailDecoder:
    def __init__(self, coder, version, model, geometry, head):
        self.version = version
        self.coder, self.model, self.geometry, self.head = coder, model, geometry, head
        self.rows = [([], []) for _ in range(geometry.channels)]
        self.ends = [0] * geometry.channels
        self.check = Check()

    def plain(self, index):
        return by_counter(self.coder, self.model.detail[index], 100)

    def ratio(self, scale, base):
        if scale == 0:
            return float("-inf")
        s, head = 16 * (scale - 1) - 672, self.head
        step = 3 * head["step"] - 864 + (head["shaping"] * (s + 208) >> 7) + (head["tilt"] * (base - 10) >> 2)
        return s - step

    def band_count(self, channel, bands):
        n = len(bands)
        predicted = sum(base < self.ends[channel] for _, _, base, _ in bands)
        coded = predicted
        if self.plain(192 + 3 * channel):
            up = self.plain(193 + 3 * channel)
            room, m = (n - predicted if up else predicted), 1
            while m < room and self.plain(200 + 32 * up + min(m, 31)):
                m += 1
            coded = min(n, predicted + m) if up else max(0, predicted - m)
        self.ends[channel] = bands[coded][2] if coded < n else float("inf")
        return coded

    def envelope(self, bands, before, frame, behind, channel, j):
        """What the scales around band j say: changes before and behind, across, slopes to the bands below and above."""
        begin, stop, base, end = bands[j]
        s = mean(frame[channel][base:end])

        def change(other):
            d = mean(other[channel][base:end]) - s
            return min(2, (abs(d) + 1) // 2) * (-1 if d < 0 else 1)

        def slope(i):
            if not 0 <= i < len(bands):
                return 0
            low, high, b, e = bands[i]
            t = mean(frame[channel][b:e])
            return truncated(16384 * (t - s), stop - begin + high - low) if s > 0 and t > 0 else 0

        other = mean(frame[-1 - channel][base:end])
        across = clamp(truncated(other - s, 3), -3, 3)
        return change(before), change(behind), across, slope(j - 1), slope(j + 1)

    def block(self, size, before, frame, behind):
        """[channel][k]"""
        n, bands, splits = 2**size, self.geometry.layouts[size], self.geometry.log2 - size
        values, zeros = [], [0] * PAD
        other_row = zeros + [0] * n + zeros
        for channel in range(self.geometry.channels):
            P, Q = (zeros + resampled(row, n) + zeros for row in self.rows[channel])
            C = zeros + [0] * n + zeros
            O = other_row
            coded = self.band_count(channel, bands)
            out = [0] * n
            for j, (begin, stop, base, end) in enumerate(bands[:coded]):
                ratio = self.ratio(mean(frame[channel][base:end]), base)
                if ratio > -200:
                    around = self.envelope(bands, before, frame, behind, channel, j)
                    for k in range(begin, stop):
                        band = (k, begin, stop, base, ratio, *around)
                        v = self.value(C, P, Q, O, channel, splits, band)
                        if v:
                            out[k] = v
                            C[k + PAD] = min(255, abs(v))
                            self.check.add(v ^ k << 8)
            self.rows[channel] = (C[PAD:-PAD], self.rows[channel][0])
            other_row = C
            values.append(out)
        return values

    def value(self, C, P, Q, O, ch, splits, band):
        bin, begin, stop, base, ratio, before, behind, across, slope_below, slope_above = band
        k = bin + PAD
        a, b, run = C[k - 1], C[k - 2], C[k - 3] + C[k - 4] + C[k - 5] + C[k - 6]
        near = 2 * P[k] + P[k - 1] + P[k + 1]
        far = 2 * Q[k] + Q[k - 1] + Q[k + 1]
        other = 2 * O[k] + O[k - 1] + O[k + 1]
        wide = sum(P[k - 4 : k + 5])
        total = (6 * a + 4 * b + run + 3 * near + far + 2 * other + 1) // 2
        T = level(total // 2, 12)
        coarse = min(T, 11) // 2
        length = (0, 0, 1, 2, 2)[splits]
        offset = 2 * (bin - begin) + 1 - (stop - begin)
        line = ratio + ((slope_above if offset >= 0 else slope_below) * abs(offset) >> 10)
        finely = clamp(line + 144, 0, 287) // 6
        part = 8 * (bin - begin) // (stop - begin)
        small = (((3 * min(a, 3) + min(b, 2)) * 4 + min(P[k], 3)) * 4 + min(P[k - 1] + P[k + 1], 3)) * 3 + min(O[k], 2)
        steady = ((7 * min(P[k], 6) + min(Q[k], 6)) * 3 + min(a, 2)) * 2 + ch
        contexts = [
            small,
            steady,
            (4 * min(bin, 255) + min(splits, 3)) * 2 + ch,
            (24 * (5 * (before + 2) + behind + 2) + finely // 2) * 2 + ch,
            (5 * (24 * (across + 3) + finely // 2) + level(other, 4)) * 2 + ch,
            (26 * (finely // 2) + fine(total)) * 2 + ch,
            (8 * finely + part) * 2 + ch,
            5 * (6 * (before + 2) + min(P[k], 5)) + level(P[k - 1] + P[k + 1], 4),
        ] if self.version == 3 else [
            (13 * level(2 * a + b, 12) + level(near, 12)) * 2 + ch,
            (2 * fine(total) + ch) * 3 + length,
            small,
            (7 * base + coarse) * 2 + ch,
            (10 * (clamp(ratio + 144, 0, 287) // 12) + level(a + b + near // 2, 9)) * 2 + ch,
            (13 * level(other if ch == 1 else far, 8) + T) * 2 + ch,
            12 * level(a + b + run, 11) + level(wide, 11),
            steady,
        ]
        if self.version == 3:
            origins, n = (0, 576, 870, 2918, 4118, 5798, 7046, 7814), 4
        else:
            origins, n = (0, 338, 494, 1070, 1434, 1914, 2148, 2292), 8
        m = 0
        while m < 15:
            D = min(m, n - 1)
            slots = [n * (o + c) + D for o, c in zip(origins, contexts)]
            if not self.model.magnitudes.code(self.coder, slots, n * coarse + D, n * (7 + 5 * ch + splits) + D):
                break
            m += 1
        if m == 15:
            x = min(7, (total // 6 + 1).bit_length() - 1)
            f = 0
            while f < 23 and self.plain(24 * x + f):
                f += 1
            m = 15 + (1 << f | self.coder.raw(f)) - 1
        if m > 0 and self.coder.raw(1):
            return -m
        return m


# 2, 4, 10. Header, sections, hash


class Fnv1a:
    def __init__(self):
        self.h = 0xCBF29CE484222325

    def add(self, x):
        for byte in (x & 0xFFFFFFFF).to_bytes(4, "little"):
            self.h = (self.h ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF


def decode_section(payload, geometry, version, table, hashed):
    fields = Fields(payload)
    number, superframes, _padding, step = (fields.varint() for _ in range(4))
    shaping, tilt, _noise, grid, _overlaps = fields.take(5)
    fields.take(4)
    sketch_bytes, sketch_check, detail_check = fields.varint(), fields.integer(2), fields.integer(2)
    sketch_stream = RangeDecoder(fields.take(sketch_bytes))
    detail_stream = RangeDecoder(payload[fields.at :])

    sketch = SketchDecoder(sketch_stream, version, Model(version, table), geometry, grid)
    coded = [sketch.superframe(i) for i in range(superframes)]
    assert sketch.check.value() == sketch_check and not sketch_stream.overrun(), "sketch check"

    head = {"step": step, "shaping": shaping, "tilt": tilt}
    detail = DetailDecoder(detail_stream, version, Model(version, table), geometry, head)
    values = [[] for _ in range(geometry.channels)]
    hashed.add(number)
    blocks = []
    for sizes, _, frames in coded:
        if grid > 0 and frames:
            held = frames[0]
        blocks += [(size, frames[i] if grid == 0 else held) for i, size in enumerate(sizes)]
    scales = [frame for _, frame in blocks]
    around = zip(scales[:1] + scales[:-1], scales, scales[1:] + scales[-1:])
    for (size, _), (before, frame, behind) in zip(blocks, around):
        for row, block in zip(values, detail.block(size, before, frame, behind)):
            row += block
    for sizes, angles, frames in coded:
        for symbol in sizes + angles + [s for frame in frames for row in frame for s in row]:
            hashed.add(symbol)
    assert detail.check.value() == detail_check and not detail_stream.overrun(), "detail check"
    for row in values:
        for v in row:
            hashed.add(v)


def decode_file(data):
    hashed, sections = Fnv1a(), []
    for kind, payload, offset, size in chunks(data):
        if kind == "H":
            fields = Fields(payload)
            assert fields.take(4) == b"MLSM"
            version = fields.integer(1)
            table = TABLES[version].read_bytes()
            channels = fields.integer(1) & 15
            rate, _original = fields.varint(), fields.varint()
            assert fields.integer(4) == crc32c(table), "the file needs another model"
            geometry = Geometry(rate, channels, fields.integer(1))
        elif kind == "S":
            sections.append((offset, size))
            decode_section(payload, geometry, version, table, hashed)
        elif kind == "T":
            fields = Fields(payload)
            total = fields.varint()
            fields.take(6 if fields.integer(1) else 0)
            fields.take(fields.varint())
            assert fields.varint() == sections[0][0], "offset of the first section"
            sizes = [fields.varint() for _ in range(fields.varint())]
            assert sizes == [size for _, size in sections], "seek table"
    return [str(x) for x in (rate, channels, total, len(sections))] + [f"{hashed.h:016x}"]


def main():
    wanted = sys.argv[1:]
    lines = [line.split("\t") for line in (HERE / "expected.tsv").read_text().splitlines() if line[:1] != "#"]
    assert lines, "no vectors"
    for name, *expected, _model in lines:
        if not wanted or name in wanted:
            found = decode_file((HERE / f"{name}.mlsm").read_bytes())
            assert found == expected, f"{name}: {found} instead of {expected}"
            print(f"{name}: symbols as expected")


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Draws the sketch of one track as the book shows it: book/src/pictures/sketch.svg.

    melisma data synth Music && melisma encode Music/audio/000/000012.flac -b 24k -o 12.mlsm
    melisma embed 12.mlsm --sketches -o 12.npz
    book/pictures.py 12.npz

Needs NumPy. Time goes to the right, low bands are at the bottom; bright is loud, black is 60 dB below the loudest.
"""

import base64
import pathlib
import struct
import sys
import zlib

import numpy

RANGE_DB = 60
COLUMNS = 480
# Dark blue, violet, orange, pale yellow.
COLOURS = numpy.array([[8, 8, 32], [88, 28, 120], [232, 104, 48], [252, 244, 176]], dtype=float)


def png(pixels):
    """`pixels`: [row][column][red, green, blue], bytes."""
    height, width, _ = pixels.shape
    rows = b"".join(b"\0" + row.tobytes() for row in pixels)

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")


def main():
    with numpy.load(sys.argv[1]) as archive:
        name = next(name for name in archive.files if name.startswith("sketches/"))
        mid, seconds = archive[name][0], float(archive["seconds"][0])  # [frame, band]
    power = 10 ** (mid / 10)
    columns = numpy.array([part.mean(axis=0) for part in numpy.array_split(power, COLUMNS)])  # [column, band]
    level = 10 * numpy.log10(columns + 1e-12)
    shade = numpy.clip((level - level.max()) / RANGE_DB + 1, 0, 1)
    at = shade * (len(COLOURS) - 1)
    low = numpy.minimum(at.astype(int), len(COLOURS) - 2)
    part = (at - low)[..., None]
    colours = COLOURS[low] * (1 - part) + COLOURS[low + 1] * part  # [column, band, colour]
    pixels = numpy.rint(colours.transpose(1, 0, 2)[::-1]).astype(numpy.uint8)
    image = base64.b64encode(png(numpy.ascontiguousarray(pixels))).decode()
    bands = pixels.shape[0]
    ticks = "".join(
        f'<text x="{60 + 600 * second / seconds:.0f}" y="228" text-anchor="middle">{second} s</text>'
        for second in range(0, int(seconds) + 1, 2))
    (pathlib.Path(__file__).resolve().parent / "src/pictures/sketch.svg").write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 680 240" font-family="sans-serif" font-size="12" fill="#444">\n'
        f'<rect width="680" height="240" fill="#fff"/>\n'
        f'<image x="60" y="12" width="600" height="200" preserveAspectRatio="none" style="image-rendering:pixelated" '
        f'href="data:image/png;base64,{image}"/>\n'
        f'<text x="52" y="22" text-anchor="end">high</text><text x="52" y="110" text-anchor="end">{bands}</text><text x="52" y="124" text-anchor="end">bands</text>'
        f'<text x="52" y="210" text-anchor="end">low</text>\n{ticks}\n</svg>\n', encoding="utf-8")


if __name__ == "__main__":
    main()

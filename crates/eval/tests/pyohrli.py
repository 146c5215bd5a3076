"""Distances by the Python package zimtohrli for the test beside this file.

argv: output folder, then audio files, or none for synthesised sound.  Prints one JSON line for each pair of
`versions.pairs`: numbers of the two signals, and their distance."""
import json, sys
from zimtohrli import Pyohrli
import versions

tool = Pyohrli()
for line, reference, version in versions.pairs(sys.argv[1], sys.argv[2:]):
    print(json.dumps(dict(line, distance=tool.distance(reference, version))))

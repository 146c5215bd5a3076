"""Noise-to-mask ratios by the independent numpy implementation for the test `nmr.rs`.

argv: output folder, folder of the implementation's nmr.py, then audio files, or none for synthesised sound.  Prints
one JSON line for each pair of `versions.pairs`: numbers of the two signals, and the segmental ratio in dB."""
import json, sys
import versions
sys.path.insert(0, sys.argv[2])
import nmr

for line, reference, version in versions.pairs(sys.argv[1], sys.argv[3:]):
    print(json.dumps(dict(line, nmr_db=float(nmr.one(reference, version)["nmr_seg"]))))

#!/usr/bin/env python3
"""Who learns and who is tested in the reproduction of the study: a table for `melisma data scan --table`.

    benches/study_parts.py MUSIC/manifest.tsv TEST_CLIPS.txt > parts.tsv

MUSIC/manifest.tsv names excerpts (file, split, artist, title, source). Those of split `train` are learned from, but for
three sources, which validate: no project and no artist is in two parts. TEST_CLIPS.txt names the clips of the test, one a
line, relative to the folder that MUSIC lies in or absolute; what it names, and whoever made that, is taken out of training.
"""

import csv
import os
import sys

VALIDATION_SOURCES = {"fluxer/warmux", "xonotic/xonotic-music.pk3dir", "godotengine/godot-demo-projects"}

manifest, test_list = sys.argv[1:]
root = os.path.dirname(os.path.dirname(os.path.realpath(manifest)))
with open(test_list, encoding="utf-8") as lines:
    test = {os.path.relpath(os.path.join(root, line.strip()), root) for line in lines if line.strip()}
with open(manifest, encoding="utf-8", newline="") as lines:
    music = list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))
for row in music:
    row["artist"] = row["artist"] or row["source"]
# An artist may have worked for several projects. Whoever is tested teaches nothing, whoever teaches does not validate.
tested = {row["artist"] for row in music if row["file"] in test}
free = [row for row in music if row["split"] == "train" and row["file"] not in test and row["artist"] not in tested]
teaching = [row for row in free if row["source"] not in VALIDATION_SOURCES]
teachers = {row["artist"] for row in teaching}
rows = {name: ("test", "") for name in test}
rows |= {row["file"]: ("train", row["artist"]) for row in teaching}
rows |= {
    row["file"]: ("val", row["artist"])
    for row in free
    if row["source"] in VALIDATION_SOURCES and row["artist"] not in teachers
}
rows |= {row["file"]: ("test", row["artist"]) for row in music if row["file"] in test}
print("file\tsplit\tartist")
for name, (part, artist) in sorted(rows.items()):
    print(name, part, artist, sep="\t")

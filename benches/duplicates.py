#!/usr/bin/env python3
"""How surely `melisma duplicates` finds copies, and how often it takes another track for one.

    python3 benches/duplicates.py FOLDER [--tracks 60] [--out docs/results/duplicates.md]

Every so many-th file of FOLDER is taken and coded with lame, opusenc and melisma at several rates, by way of a WAV that
ffmpeg makes. A pair of files is right if both come from one original. Needs these programs.
"""
import argparse, json, os, subprocess, tempfile

import result

EXTENSIONS = (".wav", ".flac", ".mp3", ".ogg", ".opus", ".m4a")


def coders(melisma):
    return {
        "mp3-48": ("mp3", lambda wav, out: ["lame", "--quiet", "-b", "48", wav, out]),
        "mp3-128": ("mp3", lambda wav, out: ["lame", "--quiet", "-b", "128", wav, out]),
        "opus-16": ("opus", lambda wav, out: ["opusenc", "--quiet", "--bitrate", "16", wav, out]),
        "opus-64": ("opus", lambda wav, out: ["opusenc", "--quiet", "--bitrate", "64", wav, out]),
        "mlsm-8": ("mlsm", lambda wav, out: [melisma, "--quiet", "encode", wav, "-b", "8k", "-o", out]),
        "mlsm-24": ("mlsm", lambda wav, out: [melisma, "--quiet", "encode", wav, "-b", "24k", "-o", out]),
        "flac": ("flac", lambda wav, out: ["flac", "--silent", "-o", out, wav]),
    }


def main():
    options = argparse.ArgumentParser()
    options.add_argument("folder")
    options.add_argument("--tracks", type=int, default=60)
    result.add_options(options)
    chosen = options.parse_args()
    melisma = os.path.abspath(chosen.melisma)
    files = sorted(os.path.join(at, name) for at, _, names in os.walk(chosen.folder) for name in names
                   if name.lower().endswith(EXTENSIONS))
    files = files[:: max(1, len(files) // chosen.tracks)][: chosen.tracks]
    kinds = coders(melisma)
    with tempfile.TemporaryDirectory() as scratch:
        library = os.path.join(scratch, "library")
        for number, file in enumerate(files):
            wav = os.path.join(scratch, "one.wav")
            subprocess.run(["ffmpeg", "-v", "error", "-y", "-i", file, "-map_metadata", "-1", wav], check=True)
            for kind, (extension, command) in kinds.items():
                os.makedirs(os.path.join(library, kind), exist_ok=True)
                out = os.path.join(library, kind, f"{number:04}.{extension}")
                subprocess.run(command(wav, out), check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        found = subprocess.run([melisma, "duplicates", library, "--json"], check=True, capture_output=True, text=True)
    groups = [json.loads(line) for line in found.stdout.splitlines()]
    number_of = lambda path: path.rsplit("/", 1)[1].split(".")[0]
    group_of = {}
    for place, group in enumerate(groups):
        for track in group["tracks"]:
            group_of[track["path"]] = place
    paths = {kind: [f"{kind}/{number:04}.{extension}" for number in range(len(files))]
             for kind, (extension, _) in kinds.items()}
    pairs = [pair for group in groups for pair in group["pairs"]]
    false_pairs = sorted({tuple(sorted((files[int(number_of(pair["first"]))], files[int(number_of(pair["second"]))])))
                          for pair in pairs if number_of(pair["first"]) != number_of(pair["second"])})
    right = [pair["differing"] for pair in pairs if number_of(pair["first"]) == number_of(pair["second"])]
    wrong = [pair["differing"] for pair in pairs if number_of(pair["first"]) != number_of(pair["second"])]
    percent = lambda hits, all: f"{100 * hits / max(1, all):.1f} %"
    lines = [f"`melisma duplicates` on {len(files)} excerpts of 20 s, each in {len(kinds)} codings of {', '.join(kinds)}. "
             "Found: both files are in one group. `benches/duplicates.py FOLDER`.", "",
             "| found, of all pairs | " + " | ".join(kinds) + " |", "|---|" + "---:|" * len(kinds)]
    total = hits_total = 0
    for first in kinds:
        cells = []
        for second in kinds:
            if first == second:
                cells.append("")
                continue
            hits = sum(a in group_of and group_of[a] == group_of.get(b) for a, b in zip(paths[first], paths[second]))
            cells.append(percent(hits, len(files)))
            total, hits_total = total + len(files), hits_total + hits
        lines.append(f"| {first} | " + " | ".join(cells) + " |")
    strangers = len(files) * (len(files) - 1) // 2
    lines += ["", f"Misses: {percent(total - hits_total, total)} of pairs. Joined though they come from different files: "
                  f"{len(false_pairs)} of {strangers} pairs of originals ({percent(len(false_pairs), strangers)})."]
    if right:
        lines.append(f"Bits that differ in pairs that were joined rightly: {100 * sum(right) / len(right):.1f} % on average, "
                     f"{100 * max(right):.1f} % at most" + (f"; wrongly: {100 * min(wrong):.1f} % at least." if wrong else "."))
    for first, second in false_pairs[:10]:
        name = lambda file: os.path.relpath(file, chosen.folder)
        lines.append(f"- {name(first)} and {name(second)}")
    result.publish(lines, chosen.out)


if __name__ == "__main__":
    main()

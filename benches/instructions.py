#!/usr/bin/env python3
"""Instructions of the hot loops, which a noisy machine cannot blur.

    cargo build --profile profiling            # what is shipped, with the names of its functions
    python3 benches/instructions.py [--out docs/results/instructions.md]

Counts with `valgrind --tool=callgrind` what one thread executes to encode and decode 6 s of the original
music (`melisma demo`'s piece, cut), in total and in the functions that take most.
"""
import argparse, os, re, subprocess, tempfile, wave

import result


def count(command, folder):
    out = os.path.join(folder, "callgrind")
    subprocess.run(["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", *command], check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    text = subprocess.run(["callgrind_annotate", "--threshold=97", out], check=True, capture_output=True, text=True).stdout
    total = int(re.search(r"([\d,]+) \([\d.]+%\)\s+PROGRAM TOTALS", text)[1].replace(",", ""))
    rows = [(int(n.replace(",", "")), name) for n, name in
            re.findall(r"^\s*([\d,]+) \([ \d.]+%\)\s+\S*?:(\S.*?)(?: \[.*)?$", text, re.M)]
    return total, rows[:8]


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    result.add_options(options, profile="profiling")
    options = options.parse_args()
    seconds = 6
    lines = ["# Instructions of the hot loops", "",
             f"{seconds} s of the demo piece, 44.1 kHz stereo, quality 5, one thread, `valgrind --tool=callgrind`."]
    with tempfile.TemporaryDirectory() as folder:
        at = lambda name: os.path.join(folder, name)
        ours = [options.melisma, "--quiet"]
        subprocess.run(ours + ["demo", "-o", at("demo")], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        whole = next(os.path.join(at("demo"), f) for f in sorted(os.listdir(at("demo"))) if f.endswith("original.wav"))
        with wave.open(whole) as song, wave.open(at("in.wav"), "wb") as cut:
            cut.setparams(song.getparams())
            song.setpos(8 * song.getframerate())
            cut.writeframes(song.readframes(seconds * song.getframerate()))
        for what, command in (("encode", ["encode", "--force", "-j1", at("in.wav"), "-o", at("a.mlsm")]),
                              ("decode", ["decode", "--force", "-j1", at("a.mlsm"), "-o", at("a.wav")])):
            subprocess.run(ours + command, check=True, stderr=subprocess.DEVNULL)
            total, rows = count(ours + command, folder)
            samples = seconds * 44100 * 2
            lines += ["", f"## {what}: {total / 1e6:.0f} million, {total / samples:.0f} a sample", "", "| million | a sample | function |", "|---|---|---|"]
            lines += [f"| {n / 1e6:.1f} | {n / samples:.1f} | `{name[:90]}` |" for n, name in rows]
    lines += ["", "Made by `python3 benches/instructions.py`."]
    result.publish(lines, options.out)


main()

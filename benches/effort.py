"""Pairs of files of usual and high effort out of `melisma bench`: what the second gains on the same clip at the same rate.

    python3 benches/effort.py results.json
"""

import json
import math
import sys

METRICS = ["zimtohrli", "nmr", "mel_l1", "peaq_odg", "si_sdr"]
RATIOS = {"zimtohrli", "mel_l1"}


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        rows = json.load(file)["rows"]
    of = {(row["codec"], row["label"], row["clip_hash"]): row for row in rows if not row["error"]}
    print("High effort over usual effort, clip by clip: geometric means of ratios, means of differences in dB or grades, and clips won of all.\n")
    print("| kbit/s | size | " + " | ".join(METRICS) + " | clips won by zimtohrli | time of encoding |")
    print("|---|" + "---:|" * (len(METRICS) + 3))
    for label in sorted({label for codec, label, _ in of if codec == "melisma:high"}, key=float):
        pairs = [
            (of["melisma", label, clip], row)
            for (codec, its, clip), row in of.items()
            if codec == "melisma:high" and its == label and ("melisma", label, clip) in of
        ]
        mean = lambda values: sum(values) / len(values)
        ratio = lambda value: math.exp(mean([math.log(value(high) / value(usual)) for usual, high in pairs]))
        cells = [f"x{ratio(lambda row: row['kbps']):.4f}"]
        for metric in METRICS:
            value = lambda row: row["metrics"][metric]
            if metric in RATIOS:
                cells.append(f"x{ratio(value):.3f}")
            else:
                cells.append(f"{mean([value(high) - value(usual) for usual, high in pairs]):+.2f}")
        won = sum(high["metrics"]["zimtohrli"] < usual["metrics"]["zimtohrli"] for usual, high in pairs)
        cells += [f"{won} of {len(pairs)}", f"x{ratio(lambda row: row['encode']['cpu_s']):.1f}"]
        print(f"| {label} | " + " | ".join(cells) + " |")


main()

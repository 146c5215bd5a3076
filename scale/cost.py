#!/usr/bin/env python3
"""What a large archive costs, computed from what was measured: scale/measured/*.json becomes scale/cost.md.

  python scale/cost.py [--hours 100000] [--check]

--check writes nothing, and fails where the page is not what the measurements say.
"""

import argparse
import json
import sys
from pathlib import Path

HERE = Path(__file__).parent
TRACK_SECONDS = 240


def page(hours):
    core = json.loads((HERE / "measured/one-core.json").read_text())
    tracks = hours * 3600 / TRACK_SECONDS
    gigabytes = lambda value: f"{value / 1e9:,.1f}" if value < 1e11 else f"{value / 1e9:,.0f}"
    core_hours = lambda seconds: f"{seconds * hours / 3600:,.0f}" if seconds * hours > 36000 else f"{seconds * hours / 3600:,.1f}"
    lines = [
        f"# What {hours:,} hours of music cost",
        "",
        f"Computed by `scale/cost.py` from what was measured on one core ([one-core.json](measured/one-core.json): {core['tracks']} tracks, "
        f"{core['music_s'] / 60:.0f} minutes; {core['machine']}), for tracks of {TRACK_SECONDS // 60} minutes, {tracks:,.0f} of them. "
        "Core hours are processor time of that machine. Reading and writing over a network are not in them.",
        "",
        "| step | 16 kbit/s, core hours | 64 kbit/s, core hours |",
        "|---|---:|---:|",
    ]
    rates = [core["rates"][rate] for rate in ("16k", "64k")]
    row = lambda name, values: lines.append(f"| {name} | " + " | ".join(values) + " |")
    steps = ["encode", "index", "embed"]
    for step, name in zip(steps, ["encode, from FLAC", "index, from .mlsm", "embed, from .mlsm"]):
        row(name, [core_hours(rate[f"{step}_core_s_an_hour"]) for rate in rates])
    row("together", [core_hours(sum(rate[f"{step}_core_s_an_hour"] for step in steps)) for rate in rates])
    lines += ["", "| what is kept | 16 kbit/s, GB | 64 kbit/s, GB |", "|---|---:|---:|"]
    row("music as .mlsm", [gigabytes(rate["bytes_an_hour"] * hours) for rate in rates])
    row("index", [gigabytes(rate["index_bytes_a_track"] * tracks) for rate in rates])
    row("embeddings (.npz)", [gigabytes(rate["embedding_bytes_a_track"] * tracks) for rate in rates])
    row("the same music as FLAC, for comparison", [gigabytes(core["flac_bytes_an_hour"] * hours)] * 2)
    total = sum(rates[1][f"{step}_core_s_an_hour"] for step in steps) * hours / 3600
    lines += [
        "",
        f"At 64 kbit/s, 64 such cores that are kept busy would take {total / 64:,.1f} hours. How busy they are kept was measured on one "
        "machine of two cores only. Where it says that there was a load before, other work had the same cores: such an efficiency says as "
        "much about that work as about the way, and cannot be taken for that of a cluster.",
        "",
        "| way | measured | efficiency with two |",
        "|---|---|---:|",
    ]
    ray = HERE / "measured/ray.json"
    if ray.exists():
        told = json.loads(ray.read_text())
        one, two = told["one_node"], told["two_nodes"]
        row("Ray Data, encode and embed", [
            f"{one['tracks_an_hour']:,} tracks an hour with one node, {two['tracks_an_hour']:,} with two ({one['music_s'] / one['tracks']:.0f} s each; {told['machine']})",
            f"{told['efficiency']:.2f}; nodes were at work {one['busy']:.0%} and {two['busy']:.0%} of the time",
        ])
    mpi = HERE / "measured/mpi.json"
    if mpi.exists():
        told = json.loads(mpi.read_text())
        row("MPI, training", [
            f"{told['one_process_steps_an_hour']:,} steps an hour with one process, {told['two_processes_steps_an_hour']:,} with two ({told['machine']})",
            f"{told['efficiency']:.2f}",
        ])
    lines += ["", "Measured again by:", "", "```sh"]
    lines += [json.loads(path.read_text())["command"] for path in sorted((HERE / "measured").glob("*.json"))]
    return "\n".join([*lines, "python scale/cost.py", "```", ""])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hours", type=int, default=100_000)
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    target, text = HERE / "cost.md", page(options.hours)
    if options.check and (not target.exists() or target.read_text() != text):
        sys.exit(f"{target} is not what scale/measured says: run scale/cost.py")
    if not options.check:
        target.write_text(text)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""How long `melisma map` takes for large libraries whose index is there, and how smooth the page is without a graphics card.

    cargo build --release
    cargo build --release -p melisma-library --example made_up_library
    python3 benches/map.py [--tracks 10000,100000] [--repeats 3] [--out docs/results/map.md]

The libraries are made up: empty files, and an index with tags and embeddings as if they had been read. Needs Node and
Chromium for the page.
"""
import argparse, json, os, platform, statistics, subprocess, tempfile, time

import result


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--tracks", default="10000,100000")
    options.add_argument("--repeats", type=int, default=3)
    result.add_options(options)
    chosen = options.parse_args()
    melisma = os.path.abspath(chosen.melisma)
    example = os.path.join(os.path.dirname(melisma), "examples", "made_up_library")
    rows = []
    for tracks in (int(count) for count in chosen.tracks.split(",")):
        with tempfile.TemporaryDirectory() as scratch:
            library, page = os.path.join(scratch, "Music"), os.path.join(scratch, "map.html")
            subprocess.run([example, library, str(tracks)], check=True)
            seconds, peak = [], 0
            for _ in range(chosen.repeats):
                begin = time.time()
                process = subprocess.Popen([melisma, "--quiet", "map", library, "-o", page, "--force"])
                _, status, usage = os.wait4(process.pid, 0)
                if status:
                    raise SystemExit(f"melisma map ended with {os.waitstatus_to_exitcode(status)}")
                seconds.append(time.time() - begin)
                peak = max(peak, usage.ru_maxrss / 1024)
            megabytes = os.path.getsize(page) / 1e6
            told = subprocess.run(["node", "crates/report/check/map_speed.mjs", page], check=True, stdout=subprocess.PIPE, text=True)
            facts = json.loads(told.stdout)
            assert facts["points"] == tracks, facts
            rows.append(f"| {tracks:,} | {statistics.median(seconds):.1f} | {peak:.0f} | {megabytes:.1f} | {facts['ready_ms'] / 1000:.1f} | "
                        f"{facts['frame_ms']:.0f} | {facts['slow_frame_ms']:.0f} | {facts['pick_ms']:.2f} | {facts['search_ms']:.0f} |")
    result.publish([
        "# Maps of large libraries", "",
        f"`python3 benches/map.py --tracks {chosen.tracks} --repeats {chosen.repeats}`: `melisma map` with all three projections (t-SNE, UMAP, PCA) "
        "of a made-up library whose index is there, medians on the clock; and its page in Chromium, drawn without a graphics card.", "",
        "| tracks | map, s | peak memory, MiB | page, MB | page is ready, s | a frame, ms | slowest in 20, ms | point under the pointer, ms | search, ms |",
        "|---:|---:|---:|---:|---:|---:|---:|---:|---:|", *rows, "",
        f"{platform.machine()}, {os.cpu_count()} processors, load average at the end {os.getloadavg()[0]:.1f}.",
    ], chosen.out)


if __name__ == "__main__":
    main()

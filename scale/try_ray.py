"""What scale/try_ray.sh compares and measures.

  try_ray.py put FOLDER URL COUNT      the first files of a folder into an object store
  try_ray.py get URL FOLDER            everything out of it
  try_ray.py busy FOLDER COUNT         whether so many tasks have begun and not ended
  try_ray.py check WORK BATCHES DONE_AT_KILL LOAD OUT.json
"""

import json
import platform
import sys
import time
from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq
from ray_archive import Store, shown


def put(folder, url, count):
    store = Store(url)
    for _ in range(100):  # The server is starting.
        try:
            store.fs.mkdirs(store.root.split("/")[0], exist_ok=True)
            break
        except Exception:
            time.sleep(0.3)
    for path in sorted(Path(folder).iterdir())[: int(count)]:
        store.write(path.name, path.read_bytes())


def get(url, folder):
    store = Store(url)
    for name, data in store.read([*store.names()]).items():
        path = Path(folder, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def files(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in Path(folder).rglob("*") if path.is_file()}


def attempts(folder):
    """What was begun: all, and of each batch how often; and those that came to an end."""
    logs = [json.loads(path.read_text()) for path in Path(folder, "log").glob("*.json")]
    return logs, Counter(log["batch"] for log in logs), [log for log in logs if "ended" in log]


def busy(folder, count):
    logs, _, ended = attempts(folder)
    sys.exit(len(logs) - len(ended) < int(count))


def speed(folder, nodes):
    """Tracks an hour, from the first task's begin to the last one's end, without Ray's own start; and the share of that
    time in which a node was encoding or embedding: what is missing is what Ray, reading and writing take."""
    _, _, ended = attempts(folder)
    took = max(log["ended"] for log in ended) - min(log["began"] for log in ended)
    total = lambda key: sum(log[key] for log in ended)
    return {
        "seconds": round(took, 1),
        "tracks": total("tracks"),
        "tracks_an_hour": round(total("tracks") / took * 3600),
        "busy": round((total("encode_s") + total("embed_s")) / took / nodes, 3),
        "music_s": round(total("music_s"), 1),
        "encode_s": round(total("encode_s"), 2),
        "embed_s": round(total("embed_s"), 3),
        "encoded_bytes": total("encoded"),
    }


def check(work, batches, at_kill, load, out):
    work, batches, at_kill = Path(work), int(batches), int(at_kill)
    faults = []
    expect = lambda holds, what: holds or faults.append(what)

    table = pq.read_table(work / "one/tracks.parquet")
    sources = sorted(shown(path.name) for path in (work / "archive").iterdir())
    expect(table["path"].to_pylist() == sources, "there is not one row for each file, in the order of names")
    errors = [row["path"] for row in table.to_pylist() if row["error"]]
    expect(errors == ["noise.mp3"], f"files with an error: {errors}")
    expect("noise.mp3.mlsm" not in files(work / "one/music"), "a file with an error was encoded")

    reference = (work / "one/tracks.parquet").read_bytes(), files(work / "one/music")
    for name in ["two", "node", "job"]:
        found = (work / name / "tracks.parquet").read_bytes(), files(work / name / "music")
        expect(found[0] == reference[0], f"{name}: the table is not that of one undisturbed node")
        expect(found[1] == reference[1], f"{name}: the encoded files are not those of one undisturbed node")

    told = {}
    for name, most in [("one", 0), ("two", 0), ("node", 1), ("job", 2)]:
        logs, begun, ended = attempts(work / name)
        again = len(logs) - len({*begun})
        told[name] = again
        # One processor a node: one task runs on each. A batch of the job started again has another name where it is cut
        # from what was left, so that what counts are the tracks.
        lost = sum(log["tracks"] for log in logs if "ended" not in log)
        twice = sum(log["tracks"] for log in ended) - table.num_rows
        expect(lost <= 2 * most and twice <= 2 * most, f"{name}: {lost} tracks begun in vain, {twice} done twice")
    nodes = {log["node"] for log in attempts(work / "node")[2]}
    expect(len(nodes) == 2, "the node that was killed had done nothing")
    expect(0 < at_kill < batches, f"the node was killed after {at_kill} of {batches} batches")

    if (work / "s3").exists():
        stored = pq.read_table(work / "s3/tracks.parquet").to_pylist()
        expect(stored == table.to_pylist()[: len(stored)] and stored, "the table in the object store differs")
        for name, data in files(work / "s3/music").items():
            expect(data == reference[1][name], f"object store: {name} differs")

    if faults:
        sys.exit("\n".join(faults))
    one, two = speed(work / "one", 1), speed(work / "two", 2)
    measured = {
        "command": "PYTHON=venv/bin/python MELISMA=target/release/melisma scale/try_ray.sh MUSIC WORK",
        "machine": f"{platform.machine()}, nodes of one processor each, on one machine; load before {load}",
        "one_node": one,
        "two_nodes": two,
        "efficiency": round(two["tracks_an_hour"] / one["tracks_an_hour"] / 2, 3),
        "node_killed_after_batches": at_kill,
        "batches": batches,
        "batches_done_again_after_it": told["node"],
        "object_store": (work / "s3").exists(),
    }
    Path(out).parent.mkdir(exist_ok=True)
    Path(out).write_text(json.dumps(measured, indent=1) + "\n")
    print(json.dumps(measured, indent=1))
    print("all of it holds")


if __name__ == "__main__":
    {"put": put, "get": get, "busy": busy, "check": check}[sys.argv[1]](*sys.argv[2:])

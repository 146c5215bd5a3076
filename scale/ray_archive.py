#!/usr/bin/env python3
"""Encodes and embeds an archive of music on a Ray cluster, as a batch job of Ray Data.

  python scale/ray_archive.py ARCHIVE OUT [--bitrate 64k] [--address auto]

ARCHIVE and OUT are folders, or whatever fsspec can open: s3://bucket/music. Every node needs this environment (the wheel
of crates/python, "ray[data]", and s3fs or the like for object stores), the program melisma, and access to both.

  OUT/music/PATH.mlsm       the archive, encoded; names keep the ending, so that a.mp3 and a.flac do not meet
  OUT/rows/BATCH.parquet    what is known of the tracks of one batch, written whole once all of them are done
  OUT/log/BATCH-*.json      one for each time that a batch was begun: where, and how long it took
  OUT/tracks.parquet        all rows, by path: path, size, encoded, seconds, embedding, error, damage

Tasks keep no state, and what they write replaces itself: a task that is lost with its node is done again elsewhere, and
one that was done is not. A track that cannot be encoded is a row with an `error`, and stops nothing. Started again, the
job leaves out what has a row, unless the size of its source has changed; --again tries those with an error once more.
OUT/settings.json has the bitrate, and a job with another one is refused.
"""

import argparse
import hashlib
import io
import json
import logging
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path

import fsspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

MUSIC = {".aac", ".aif", ".aiff", ".au", ".caf", ".flac", ".m4a", ".mka", ".mp3", ".mp4", ".oga", ".ogg", ".opus", ".wav", ".webm"}
# Longer than any track takes that is no trap: 24 hours of music on a slow core.
LIMIT_SECONDS = 3600
ROWS = pa.schema([
    ("path", pa.string()),
    ("size", pa.int64()),
    ("encoded", pa.int64()),
    ("seconds", pa.float64()),
    ("embedding", pa.list_(pa.float32())),
    ("embedding_version", pa.int32()),
    ("error", pa.string()),
    ("damage", pa.string()),
])


class Store:
    """A folder, here or in an object store, in which a file is there whole or not at all."""

    def __init__(self, url):
        # Each time anew: what lists are remembered would hide what other processes wrote.
        self.fs, root = fsspec.core.url_to_fs(str(url), use_listings_cache=False, skip_instance_cache=True)
        self.root = root.rstrip("/")
        self.is_local = isinstance(self.fs, fsspec.implementations.local.LocalFileSystem)

    def at(self, name):
        return f"{self.root}/{name}"

    def names(self, folder=""):
        """Names of all files below a folder, with their sizes, by name."""
        at = self.at(folder).rstrip("/")
        if not self.fs.exists(at):
            return {}
        return {path[len(self.root) + 1 :]: facts["size"] for path, facts in sorted(self.fs.find(at, detail=True).items())}

    def read(self, names):
        """What is in files, by name, many at a time where the store can; those that cannot be read are left out."""
        found = {}
        for first in range(0, len(names), 1000):
            at = {self.at(name): name for name in names[first : first + 1000]}
            read = self.fs.cat([*at], on_error="return")
            found |= {at[path]: data for path, data in read.items() if isinstance(data, bytes)}
        return found

    def write(self, name, data):
        if not self.is_local:  # Object stores show nothing of what is half written.
            self.fs.pipe_file(self.at(name), data)
            return
        path = Path(self.at(name))
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f".{path.name}.{uuid.uuid4().hex}.part")
        with part.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)


def tables(store, names):
    """The rows of files. One that is no table, as after a full disk, is left out: its batch is done again."""
    for data in store.read(names).values():
        try:
            yield pq.read_table(io.BytesIO(data), schema=ROWS)
        except pa.ArrowException:
            continue


def shown(path):
    """A path as a table can hold it: names need not be UTF-8."""
    return path.encode("utf-8", "backslashreplace").decode()


def known_rows(store, found):
    """All rows, and by path the place of the one that counts: of a source of the size it has now, without an error if
    there is one."""
    names = [name for name in store.names("rows") if name.endswith(".parquet")]
    table = pa.concat_tables([ROWS.empty_table(), *tables(store, names)])
    sizes = {shown(path): size for path, size in found.items()}
    places, errors = {}, table["error"].to_pylist()
    for place, (path, size) in enumerate(zip(table["path"].to_pylist(), table["size"].to_pylist())):
        known = places.get(path)
        if sizes.get(path) == size and (known is None or errors[known] or not errors[place]):
            places[path] = place
    return table, places


class NodeError(Exception):
    """A fault of the machine and not of a track: it stops the job, for it would be an error of every track."""


def plain(text, scratch):
    """A message without what is another in each run: the temporary folder, and addresses in ffmpeg's words."""
    return re.sub(r" @ 0x[0-9a-f]+", "", shown(text).replace(f"{scratch}/", "") if scratch else shown(text))


def encode(source, target, program, bitrate):
    """Encodes a file; answers what is wrong with it: (error, damage), each None where there is none."""
    command = [program, "encode", str(source), "-o", str(target), "-b", bitrate, "-j", "1", "--quiet", "--force"]
    try:
        ended = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=LIMIT_SECONDS)
    except subprocess.TimeoutExpired:
        return f"not encoded within {LIMIT_SECONDS} s", None
    except OSError as error:
        raise NodeError(f"{platform.node()}: {program} cannot be run, --program says where it is: {error}") from error
    said = ended.stderr.strip()
    if ended.returncode == 3 and target.exists():
        return None, said or "damaged"
    if ended.returncode != 0 or not target.exists():
        return said or f"melisma encode ended with {ended.returncode}", None
    return None, None


def do_track(path, size, archive, out, options):
    """One track: its row, and how many seconds encoding and embedding took."""
    import melisma  # Here, so that whoever starts the job needs no wheel.

    row = dict.fromkeys(ROWS.names)
    row |= {"path": shown(path), "size": size}
    took, scratch = {"encode_s": 0.0, "embed_s": 0.0}, ""
    try:
        with tempfile.TemporaryDirectory() as folder:
            scratch = folder
            if archive.is_local:
                source = Path(archive.at(path))
            else:
                source = Path(folder, Path(path).name)
                archive.fs.get_file(archive.at(path), str(source))
            target = Path(folder, "encoded.mlsm")
            begin = time.perf_counter()
            row["error"], row["damage"] = encode(source, target, options["program"], options["bitrate"])
            took["encode_s"] = time.perf_counter() - begin
            if row["error"] is None:
                begin = time.perf_counter()
                row["embedding"] = melisma.embed(target).tolist()
                took["embed_s"] = time.perf_counter() - begin
                row["embedding_version"] = melisma.EMBEDDING_VERSION
                with melisma.open(target) as file:
                    row["seconds"] = file.seconds
                data = target.read_bytes()
                row["encoded"] = len(data)
                out.write(f"music/{path}.mlsm", data)
    except NodeError:
        raise
    except Exception as error:  # Whatever it is, it is this track's.
        row |= {"encoded": None, "seconds": None, "embedding": None, "embedding_version": None}
        row["error"] = f"{type(error).__name__}: {error}"
    for key in ["error", "damage"]:
        row[key] = row[key] and plain(plain(row[key], scratch), archive.root)
    return row, took


class Batches:
    """What a task does. Only what is in here travels to it."""

    def __init__(self, archive, out, options):
        self.archive, self.out, self.options = archive, out, options

    def __call__(self, batch):
        import ray

        archive, out = Store(self.archive), Store(self.out)
        told = [
            self.one(archive, out, str(name), json.loads(str(tracks)), ray.get_runtime_context().get_node_id())
            for name, tracks in zip(batch["batch"], batch["tracks"])
        ]
        return {key: np.array([one[key] for one in told]) for key in told[0]}

    def one(self, archive, out, name, tracks, node):
        table = next(tables(out, [f"rows/{name}.parquet"]), None)
        if table is not None:  # Its result was lost with a node, and its work was not.
            return {"batch": name, "tracks": table.num_rows, "errors": table.num_rows - table["error"].null_count}
        log = f"log/{name}-{uuid.uuid4().hex}.json"
        facts = {"batch": name, "node": node, "began": time.time(), "tracks": len(tracks)}
        out.write(log, json.dumps(facts).encode())
        done = [do_track(path, size, archive, out, self.options) for path, size in tracks]
        rows = [row for row, _ in done]
        buffer = io.BytesIO()
        pq.write_table(pa.Table.from_pylist(rows, schema=ROWS), buffer)
        out.write(f"rows/{name}.parquet", buffer.getvalue())
        errors = sum(row["error"] is not None for row in rows)
        facts |= {"ended": time.time(), "errors": errors, "music_s": sum(row["seconds"] or 0 for row in rows)}
        facts |= {key: sum(took[key] for _, took in done) for key in ["encode_s", "embed_s"]}
        facts["encoded"] = sum(row["encoded"] or 0 for row in rows)
        out.write(log, json.dumps(facts).encode())
        return {"batch": name, "tracks": len(rows), "errors": errors}


def batches_of(tracks, count, salt):
    """Parts of so many tracks, each named by what is in it: the same tracks have the same name in every run."""
    for first in range(0, len(tracks), count):
        text = json.dumps(tracks[first : first + count])
        yield {"batch": hashlib.sha256((salt + text).encode()).hexdigest()[:24], "tracks": text}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("archive", metavar="ARCHIVE")
    parser.add_argument("out", metavar="OUT")
    parser.add_argument("--bitrate", default="64k", metavar="RATE", help="bits a second [default: 64k]")
    parser.add_argument("--address", help="of the cluster: auto, HOST:PORT; without it one is started on this machine")
    parser.add_argument("--program", default="melisma", help="the program, as nodes find it [default: melisma]")
    parser.add_argument("--batch", type=int, default=16, metavar="N", help="tracks of a task [default: 16]")
    parser.add_argument("--again", action="store_true", help="try tracks once more that had an error")
    options = parser.parse_args()
    if options.batch < 1:
        parser.error("--batch: at least 1")
    # Nodes do not share this one's working directory.
    local = lambda url: url if "://" in url else str(Path(url).absolute())
    archive_url, out_url = local(options.archive), local(options.out)

    archive, out = Store(archive_url), Store(out_url)
    found = {name: size for name, size in archive.names().items() if Path(name).suffix.lower() in MUSIC}
    if not found:
        sys.exit(f"{options.archive}: no music in it")
    settings = {"bitrate": options.bitrate}
    for data in out.read(["settings.json"]).values():
        if json.loads(data) != settings:
            sys.exit(f"{options.out} was made with {json.loads(data)}, not {settings}: choose another folder")
    out.write("settings.json", json.dumps(settings).encode())
    table, places = known_rows(out, found)
    errors = table["error"].to_pylist()
    is_done = lambda path: (place := places.get(shown(path))) is not None and not (options.again and errors[place])
    todo = [[path, size] for path, size in found.items() if not is_done(path)]
    print(f"{len(found)} tracks, {len(found) - len(todo)} of them done before", flush=True)

    begin = time.perf_counter()
    if todo:
        import ray

        ray.init(address=options.address or "local", log_to_driver=False, logging_level="warning")
        ray.data.DataContext.get_current().enable_progress_bars = False
        # Rows with an error have the same name as when they are tried again, which is to replace them.
        salt = f"{options.bitrate} {uuid.uuid4().hex if options.again else ''}"
        batches = list(batches_of(todo, options.batch, salt))
        work = Batches(archive_url, out_url, {"program": options.program, "bitrate": options.bitrate})
        # A block a task, so that a node that dies takes no more than its running tasks with it.
        told = ray.data.from_items(batches, override_num_blocks=len(batches)).map_batches(lambda b: work(b), batch_size=1)
        # After the dataset is made, which sets up its loggers.
        logging.getLogger("ray.data").setLevel("WARNING")
        tracks = errors = 0
        try:
            for row in told.iter_rows():
                tracks, errors = tracks + row["tracks"], errors + row["errors"]
        except ray.exceptions.RayError as error:
            lines = str(error).strip().splitlines()
            what = next((line for line in lines if f"{NodeError.__name__}:" in line), lines[-1])
            sys.exit(f"stopped after {tracks} tracks: {what}\nThe same line goes on from there.")
        took = time.perf_counter() - begin
        print(f"{tracks} tracks in {took:.1f} s, {tracks / took * 3600:.0f} an hour; {errors} with an error", flush=True)

    table, places = known_rows(out, found)
    table = table.take([places[path] for path in sorted(places)]).combine_chunks()
    buffer = io.BytesIO()
    pq.write_table(table, buffer)
    out.write("tracks.parquet", buffer.getvalue())
    print(f"{table.num_rows} rows in {out.at('tracks.parquet')}")
    sys.exit(0 if table.num_rows == len(found) else "rows are missing")


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Runs the book: every command of its pages, each page in an empty folder, and within the time that the page promises.

    book/check.py [--release DIST] [PAGE...]

The program `melisma` is taken from PATH. What runs are blocks fenced as `sh`, in order, in one shell a page. Before a block
may stand:

    <!-- file: NAME -->          it is no command, but a file that later ones use
    <!-- needs a release -->     it runs with --release alone: the files of the release then lie in the folder
    <!-- not run: WHY -->        it never runs

Links to files of the checkout must lead somewhere, and every page must be in the table of contents.
"""

import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

BOOK = pathlib.Path(__file__).resolve().parent
BLOCK = re.compile(r"(?:<!-- (?P<mark>[^>]*?) -->\n)?```(?P<language>\w*)\n(?P<text>.*?)^```$", re.S | re.M)
PROMISE = re.compile(r"^Time: (\d+) (seconds|minutes?)\b", re.M)
LINK = re.compile(r"\]\((?!https?:|#)([^)#]*)")


def fail(what):
    sys.exit(f"book: {what}")


def commands(page, text, release):
    """The page as one script of bash, the files that it needs, and how many blocks do not run and why."""
    script, files, left = [], {}, {}
    for block in BLOCK.finditer(text):
        mark, line = block["mark"] or "", text.count("\n", 0, block.start()) + 1
        kind, _, value = mark.partition(": ")
        if kind == "file":
            if not re.fullmatch(r"[\w./-]+", value) or ".." in value:
                fail(f"{page.name}:{line}: {value!r} is no name of a file")
            files[value] = block["text"]
        elif block["language"] != "sh":
            continue
        elif kind == "not run":
            if not value:
                fail(f"{page.name}:{line}: a block that is not run must say why")
            left[value] = left.get(value, 0) + 1
        elif mark == "needs a release" and not release:
            left["without a release"] = left.get("without a release", 0) + 1
        elif mark in ("", "needs a release"):
            script.append(f"# {page.name}:{line}\n{block['text']}")
        else:
            fail(f"{page.name}:{line}: what is `{mark}`?")
    return "\n".join(script), files, left


def promised_seconds(page, text):
    promise = PROMISE.search(text)
    if promise is None:
        fail(f"{page.name}: has commands and no line `Time: N seconds` or `Time: N minutes`")
    return int(promise[1]) * (1 if promise[2] == "seconds" else 60)


def run(page, release):
    text = page.read_text(encoding="utf-8")
    script, files, left = commands(page, text, release)
    note = "".join(f"; not run: {count} ({why})" for why, count in left.items())
    if not script:
        print(f"{page.name}: nothing to run{note}")
        return
    limit = promised_seconds(page, text)
    with tempfile.TemporaryDirectory(prefix="melisma-book-") as folder:
        for name, content in files.items():
            path = pathlib.Path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, encoding="utf-8")
        if release:
            for file in release.iterdir():
                if file.is_file():
                    shutil.copy(file, folder)
        begin = time.monotonic()
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script], cwd=folder, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", check=False)
        seconds = time.monotonic() - begin
    if done.returncode != 0:
        print(done.stdout[-4000:])
        fail(f"{page.name}: a command fails with {done.returncode}; what was said is above")
    print(f"{page.name}: {seconds:.1f} s of {limit} s{note}", flush=True)
    if seconds > limit:
        fail(f"{page.name}: took {seconds:.0f} s, and promises {limit} s")


def check_links(page):
    for target in LINK.findall(page.read_text(encoding="utf-8")):
        if target and not (page.parent / target).exists():
            fail(f"{page.name}: a link leads to {target}, which is not there")


def main():
    parser = argparse.ArgumentParser(description="Runs every command of the book.")
    parser.add_argument("--release", type=pathlib.Path, help="folder of a release, for the pages that install from it")
    parser.add_argument("pages", nargs="*", help="names of pages; all if none is named")
    options = parser.parse_args()
    if shutil.which("melisma") is None:
        fail("there is no `melisma` on PATH; build it, then PATH=\"$PWD/target/release:$PATH\" book/check.py")
    # Whoever goes through the book has none of these.
    os.environ.pop("CARGO_TARGET_DIR", None)
    contents = (BOOK / "src/SUMMARY.md").read_text(encoding="utf-8")
    pages = sorted((BOOK / "src").glob("*.md"), key=lambda page: contents.find(f"({page.name})"))
    for page in pages:
        check_links(page)
        if page.name == "SUMMARY.md":
            continue
        if f"({page.name})" not in contents:
            fail(f"{page.name} is not in SUMMARY.md")
        if not options.pages or page.stem in options.pages or page.name in options.pages:
            run(page, options.release)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""A preprocessor of mdbook: links that lead out of the book become addresses of the repository."""

import json
import re
import sys

REPOSITORY = "https://github.com/melisma-audio/melisma/blob/main/"
OUT = re.compile(r"\]\((?:\.\./){2}")


def rewrite(items):
    for item in items:
        if isinstance(item, dict) and "Chapter" in item:
            chapter = item["Chapter"]
            chapter["content"] = OUT.sub("](" + REPOSITORY, chapter["content"])
            rewrite(chapter["sub_items"])


if sys.argv[1:2] == ["supports"]:
    sys.exit(0)
_, book = json.load(sys.stdin)
rewrite(book.get("items", book.get("sections", [])))
json.dump(book, sys.stdout)

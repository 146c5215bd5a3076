"""What the benchmark scripts share: where the program lies, which music is measured, and where a result goes."""
import os

EXTENSIONS = (".wav", ".flac", ".mp3", ".ogg", ".opus", ".m4a")


def add_options(options, profile="release"):
    options.add_argument("--melisma", default=os.path.join(os.environ.get("CARGO_TARGET_DIR", "target"), profile, "melisma"))
    options.add_argument("--out", help="file under docs/results")


def publish(lines, path):
    """Prints a result, and writes it where it was asked for."""
    text = "\n".join(lines) + "\n"
    print(text)
    if path:
        with open(path, "w") as out:
            out.write(text)


def files_of(folder):
    """Music files in a folder and those in it, sorted by path."""
    return sorted(os.path.join(at, name) for at, _, names in os.walk(folder) for name in names
                  if name.lower().endswith(EXTENSIONS))


def some_files(folder, count):
    """At most `count` music files of a folder, evenly spread over them."""
    files = files_of(folder)
    return files[:: max(1, len(files) // count)][:count]

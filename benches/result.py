"""What the benchmark scripts share: where the program lies, and where a result goes."""
import os


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

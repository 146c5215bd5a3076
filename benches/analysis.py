#!/usr/bin/env python3
"""How well `melisma analyse` tells tempo and key: against the answers of synthesised music, and beside librosa's beat
tracker and essentia's key finder on that and on real music.

    MELISMA_PYTHON benches/analysis.py FOLDER [--tracks 60] [--synthesised 60] [--out docs/results/analysis.md]

Every so many-th file of FOLDER is taken. `melisma data synth` writes the synthesised collection, whose files say in their
tags at what tempo and in which key they were played. Melisma reads .mlsm files of it as well, of 16 kbit/s. Needs
librosa, numpy and soundfile in this Python; the columns of essentia are there if it is.
"""
import argparse, json, os, struct, subprocess, tempfile, warnings

import librosa, numpy

import result

try:
    import essentia
    essentia.log.infoActive = essentia.log.warningActive = False
    from essentia import standard
except ImportError:
    standard = None

TONICS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
# Gouyon et al. 2006: a tempo is right within 4 %; the second measure lets these multiples pass.
TOLERANCE, MULTIPLES = 0.04, (1, 2, 3, 1 / 2, 1 / 3)
DRAWS = 2000


def comments(path):
    """Vorbis comments of a FLAC file, names in capitals."""
    with open(path, "rb") as file:
        assert file.read(4) == b"fLaC", path
        last = False
        while not last:
            head = file.read(4)
            last, kind, size = bool(head[0] & 128), head[0] & 127, int.from_bytes(head[1:], "big")
            block = file.read(size)
            if kind == 4:
                break
        else:
            return {}
    place = 4 + struct.unpack_from("<I", block)[0]
    count, place, found = struct.unpack_from("<I", block, place)[0], place + 4, {}
    for _ in range(count):
        size = struct.unpack_from("<I", block, place)[0]
        name, _, value = block[place + 4:place + 4 + size].decode().partition("=")
        found[name.upper()], place = value, place + 4 + size
    return found


def key_of(name):
    """Pitch class of the tonic and whether it is minor, of names such as F#m."""
    if not name:
        return None
    minor = name.endswith("m")
    name = name[:-1] if minor else name
    return (TONICS[name[0]] + name.count("#") - name[1:].count("b")) % 12, minor


def by_melisma(program, folder):
    """Tempo and key of each file below a folder, by its name without extension."""
    ended = subprocess.run([program, "--quiet", "analyse", folder, "--json"], capture_output=True, text=True)
    if ended.returncode not in (0, 3):
        raise SystemExit(f"melisma analyse failed: {ended.stderr}")
    rows = [json.loads(line) for line in ended.stdout.splitlines()]
    name = lambda row: os.path.splitext(os.path.basename(row["file"]))[0]
    return {name(row): (row["tempo_bpm"], key_of(row["key"])) for row in rows}


def by_others(path):
    """Tempo by librosa, tempo and key by essentia, the latter none where it is not there."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        samples, rate = librosa.load(path, sr=44100)
        halved = librosa.resample(samples, orig_sr=rate, target_sr=22050)
        tempo, _ = librosa.beat.beat_track(y=halved, sr=22050)
    found = {"librosa": (float(numpy.atleast_1d(tempo)[0]) or None, None)}
    if standard:
        samples = samples.astype(numpy.float32)
        tonic, scale, _ = standard.KeyExtractor()(samples)
        tempo = standard.RhythmExtractor2013(method="multifeature")(samples)[0]
        found["essentia"] = (float(tempo) or None, key_of(tonic + ("m" if scale == "minor" else "")))
    return found


def is_tempo(truth, told, multiples=(1,)):
    return told is not None and any(abs(told - truth * factor) <= TOLERANCE * truth * factor for factor in multiples)


def key_score(truth, told):
    """MIREX: 1 for the key itself, .5 a fifth off, .3 for its relative, .2 for its parallel."""
    if told is None:
        return 0.0
    (tonic, minor), (other, other_minor) = truth, told
    if truth == told:
        return 1.0
    if minor == other_minor and (other - tonic) % 12 in (5, 7):
        return 0.5
    if minor != other_minor and (other - tonic) % 12 == (3 if minor else 9):
        return 0.3
    return 0.2 if tonic == other else 0.0


def share(values):
    """Mean and its 95 % interval when tracks are drawn."""
    values = numpy.array(values, float)
    random = numpy.random.default_rng(1)
    means = [values[random.integers(0, len(values), len(values))].mean() for _ in range(DRAWS)]
    low, high = numpy.percentile(means, [2.5, 97.5])
    return f"{values.mean():.2f} ({low:.2f} to {high:.2f})"


def row(name, truths, told):
    """Cells of one way to tell: tempo strictly and loosely, key strictly and by MIREX."""
    cells = []
    tracks = [track for track in truths if truths[track][0]]
    if tracks and any(told[track][0] for track in tracks):
        for multiples in ((1,), MULTIPLES):
            cells.append(share([is_tempo(truths[track][0], told[track][0], multiples) for track in tracks]))
    else:
        cells += ["-"] * 2
    tracks = [track for track in truths if truths[track][1]]
    if tracks and any(told[track][1] for track in tracks):
        cells.append(share([truths[track][1] == told[track][1] for track in tracks]))
        cells.append(share([key_score(truths[track][1], told[track][1]) for track in tracks]))
    else:
        cells += ["-"] * 2
    return f"| {name} | " + " | ".join(cells) + " |"


def main():
    options = argparse.ArgumentParser()
    options.add_argument("folder")
    options.add_argument("--tracks", type=int, default=60)
    options.add_argument("--synthesised", type=int, default=60)
    result.add_options(options)
    chosen = options.parse_args()
    melisma = os.path.abspath(chosen.melisma)
    run = lambda *words: subprocess.run([melisma, "--quiet", *words], check=True)
    files = result.some_files(chosen.folder, chosen.tracks)
    with tempfile.TemporaryDirectory() as scratch:
        made, coded, real = (os.path.join(scratch, name) for name in ("made", "coded", "real"))
        run("data", "synth", made, "--tracks", str(chosen.synthesised))
        run("encode", os.path.join(made, "audio"), "-b", "16k", "-o", coded)
        os.makedirs(real)
        for number, path in enumerate(files):
            os.symlink(os.path.abspath(path), os.path.join(real, f"{number:05}{os.path.splitext(path)[1]}"))
        truths = {}
        for path in result.files_of(os.path.join(made, "audio")):
            tags = comments(path)
            truths[os.path.splitext(os.path.basename(path))[0]] = float(tags["BPM"]), key_of(tags["INITIALKEY"])
        of_made = {os.path.splitext(os.path.basename(path))[0]: by_others(path) for path in result.files_of(made)}
        of_real = {f"{number:05}": by_others(path) for number, path in enumerate(files)}
        ways = {"`melisma analyse`, uncoded sound": by_melisma(melisma, made),
                "`melisma analyse`, .mlsm of 16 kbit/s": by_melisma(melisma, coded)}
        ours = by_melisma(melisma, real)
    named = {"librosa": f"librosa {librosa.__version__}, beat_track"}
    if standard:
        named["essentia"] = f"essentia {essentia.__version__}, RhythmExtractor2013 and KeyExtractor"
    for other, name in named.items():
        ways[name] = {track: found[other] for track, found in of_made.items()}
    head = "| tempo within 4 % | or a multiple | key | key, MIREX |\n|---|---|---|---|---|"
    lines = ["# Tempo and key", "",
             f"`benches/analysis.py FOLDER --tracks {chosen.tracks} --synthesised {chosen.synthesised}`. Shares of tracks, 95 % "
             f"intervals over {DRAWS} draws of tracks. *Or a multiple*: also twice, three times, half or a third of the "
             "tempo. *MIREX*: 1 for the key, 0.5 for one a fifth off, 0.3 for its relative, 0.2 for its parallel.", "",
             f"Against the answers, on {len(truths)} tracks of `melisma data synth`:", "", "| told by " + head,
             *(row(name, truths, told) for name, told in ways.items()), "",
             f"On {len(of_real)} files of real music nobody knows the answer; how often two ways agree:", "",
             "| `melisma analyse` against " + head]
    for other, name in named.items():
        others = {track: found[other] for track, found in of_real.items()}
        shared = {track: others[track] for track in others if track in ours}
        lines.append(row(name, shared, ours))
    if standard:
        tempi = {track: (found["librosa"][0], None) for track, found in of_real.items()}
        lines += ["", "| librosa against " + head,
                  row(named["essentia"], tempi, {track: (found["essentia"][0], None) for track, found in of_real.items()})]
    else:
        lines += ["", "essentia was not there: no column of another key finder."]
    result.publish(lines, chosen.out)


if __name__ == "__main__":
    main()

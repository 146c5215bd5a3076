#!/usr/bin/env python3
"""Speed of our metrics beside a numpy implementation of the same metrics: interleaved repetitions, medians.

    cargo build --release -p xtask
    python3 benches/metrics.py NUMPY_FOLDER CLIP... [--seconds 20] [--repeats 3] [--out docs/results/metrics.md]

NUMPY_FOLDER holds its `metrics.py` (`Ref`, `align`, `evaluate`, `zimtohrli`) and `nmr.py` (`nmr`); it needs numpy, scipy and
soundfile, and the package zimtohrli for its row. PEAQ stands beside the numpy implementation of our tests. A clip's decoded versions are made by LAME and Opus if they are installed,
and by band limits and noise. Everything is measured in CPU seconds (user and system) of one thread.
"""
import argparse, datetime, json, os, platform, shutil, statistics, subprocess, sys, tempfile, time

import result

STAGES = ("reference", "align", "score", "zimtohrli", "nmr", "peaq")


def versions(x, rate, source, folder):
    """WAV files of decoded versions, all of the clip's rate."""
    import numpy as np, soundfile as sf
    found = []
    def put(y):
        found.append(os.path.join(folder, f"{len(found)}.wav"))
        sf.write(found[-1], y, rate, subtype="FLOAT")
    for encode, decode in (("lame --quiet --abr 64 --resample 44.1", "lame --quiet --mp3input --decode"),
                           ("opusenc --quiet --bitrate 32", f"opusdec --quiet --rate {rate}"),
                           ("opusenc --quiet --bitrate 96", f"opusdec --quiet --rate {rate}")):
        if shutil.which(encode.split()[0]) and shutil.which(decode.split()[0]):
            coded, decoded = os.path.join(folder, "coded"), os.path.join(folder, "decoded.wav")
            subprocess.run([*encode.split(), source, coded], check=True, capture_output=True)
            subprocess.run([*decode.split(), coded, decoded], check=True, capture_output=True)
            put(sf.read(decoded, dtype="float32", always_2d=True)[0])
    spectrum = np.fft.rfft(x, axis=0)
    spectrum[len(spectrum) // 3:] = 0
    put(np.fft.irfft(spectrum, len(x), axis=0))
    # Late by 500.4 samples.
    turn = np.exp(-2j * np.pi * 500.4 * np.fft.rfftfreq(len(x)))[:, None]
    late = np.fft.irfft(np.fft.rfft(x, axis=0) * turn, len(x), axis=0)
    put(late + 0.05 * np.abs(x) * np.random.default_rng(0).standard_normal(x.shape))
    return found


def numpy_side(folder, source, decoded):
    """Run in a process of its own: prints what the stages cost and what came out."""
    sys.path.insert(0, folder)
    import metrics as M, nmr as N, soundfile as sf
    sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../crates/eval/tests"))
    import peaq as P
    read = lambda path: sf.read(path, dtype="float32", always_2d=True)
    clock = lambda: time.process_time()
    x, rate = read(source)
    y = [read(path)[0] for path in decoded]
    M.Ref(x[:rate], rate)                          # windows and filters are made once, whatever is measured
    start = clock(); reference = M.Ref(x, rate)
    cpu, scores = dict.fromkeys(STAGES, 0.0), []
    cpu["reference"] = clock() - start
    for y in y:
        start = clock(); _, d, lag = M.align(x, y, rate); fraction = M.frac_delay(x, d, rate)
        d = M.shift_frac(d, fraction) if abs(fraction) > 0.03 else d
        aligned = clock(); values = M.evaluate(reference, d, ("core",))
        scored = clock(); d48 = M.resample(d, rate, 48000); zimtohrli = M.zimtohrli(reference.x48, d48)
        heard = clock(); nmr = N.nmr(reference.x48, d48)["nmr_seg"]
        masked = clock(); P.variables(reference.x48.astype(float), d48.astype(float))
        cpu["align"] += aligned - start; cpu["score"] += scored - aligned; cpu["zimtohrli"] += heard - scored
        cpu["nmr"] += masked - heard; cpu["peaq"] += clock() - masked
        scores.append(dict(lag=lag, fraction=fraction, mel_l1=values["mel_l1"], zimtohrli=zimtohrli, nmr=nmr))
    print(json.dumps(dict(cpu_s=cpu, scores=scores)))


def one_thread(command):
    environment = dict(os.environ, **{f"{k}_NUM_THREADS": "1" for k in ("OMP", "OPENBLAS", "MKL", "NUMBA")})
    run = subprocess.run(command, env=environment, capture_output=True, text=True)
    if run.returncode:
        sys.exit(f"{' '.join(command)}: {run.stderr}")
    return json.loads(run.stdout)


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("numpy_folder")
    options.add_argument("clips", nargs="+")
    options.add_argument("--seconds", type=float, default=20)
    options.add_argument("--repeats", type=int, default=3)
    options.add_argument("--xtask", default=os.path.join(os.environ.get("CARGO_TARGET_DIR", "target"), "release/xtask"))
    options.add_argument("--out", help="file under docs/results")
    options = options.parse_args()
    import soundfile as sf
    numpy_runs, our_runs = [], []
    for clip in options.clips:
        with tempfile.TemporaryDirectory() as folder:
            info = sf.info(clip)
            x = sf.read(clip, dtype="float32", always_2d=True, frames=int(options.seconds * info.samplerate))[0]
            source = os.path.join(folder, "source.wav")
            sf.write(source, x, info.samplerate, subtype="PCM_16")
            x = sf.read(source, dtype="float32", always_2d=True)[0]
            decoded = versions(x, info.samplerate, source, folder)
            theirs, ours = [], []
            for _ in range(options.repeats):
                theirs.append(one_thread([sys.executable, __file__, "--numpy-side", options.numpy_folder, source, *decoded]))
                ours.append(one_thread([options.xtask, "score-stages", source, *decoded]))
            for a, b in zip(theirs[0]["scores"], ours[0]["scores"]):
                close = abs(a["mel_l1"] - b["mel_l1"]) < 1e-3 and abs(a["zimtohrli"] - b["zimtohrli"]) < 1e-3 and abs(a["nmr"] - b["nmr"]) < 0.1
                if a["lag"] != b["lag"] or abs(a["fraction"] - b["fraction"]) > 0.026 or not close:
                    sys.exit(f"{clip}: {a} is not {b}")
            for runs, all_runs in ((theirs, numpy_runs), (ours, our_runs)):
                all_runs.append({s: statistics.median(r["cpu_s"][s] for r in runs) / (1 if s == "reference" else len(decoded)) for s in STAGES})
    count = len(decoded)
    mean = lambda runs, stage: statistics.mean(run[stage] for run in runs)
    rows = [("features of the reference, once", {"reference": 1}),
            ("alignment of a version", {"align": 1}),
            ("scoring of a version", {"score": 1}),
            (f"all of it, {count} versions", {"reference": 1, "align": count, "score": count}),
            ("zimtohrli of a version", {"zimtohrli": 1}),
            ("nmr of a version", {"nmr": 1}),
            ("PEAQ of a version", {"peaq": 1}),
            (f"all with the models of hearing, {count} versions",
             {"reference": 1, "align": count, "score": count, "zimtohrli": count, "nmr": count, "peaq": count})]
    lines = [f"{len(options.clips)} excerpts of {options.seconds:.0f} s, stereo, with {count} decoded versions each; CPU seconds of one thread, medians of "
             f"{options.repeats} interleaved runs, means over the excerpts. {platform.machine()}, load {os.getloadavg()[0]:.1f} at the end, {datetime.date.today()}.",
             "", "| stage | numpy, CPU s | here, CPU s | times as fast |", "|---|---|---|---|"]
    for name, parts in rows:
        a, b = (sum(mean(runs, stage) * times for stage, times in parts.items()) for runs in (numpy_runs, our_runs))
        lines.append(f"| {name} | {a:.3f} | {b:.3f} | {a / b:.1f} |")
    lines += ["", "The other side is a numpy implementation of the same metrics, and for zimtohrli the Python package. These analyse the reference "
              "of zimtohrli, nmr and PEAQ anew for each version; here it is done once, and divided among the versions.", "",
              f"Made by `python3 benches/metrics.py NUMPY_FOLDER CLIPS --seconds {options.seconds:.0f} --repeats {options.repeats}`."]
    result.publish(lines, options.out)


if sys.argv[1:2] == ["--numpy-side"]:
    numpy_side(sys.argv[2], sys.argv[3], sys.argv[4:])
else:
    main()

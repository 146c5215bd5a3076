#!/usr/bin/env python3
"""Peak memory of encoding and decoding a long file, and when piped output begins.

    cargo build --release
    python3 benches/memory.py SONG.wav [--hours 3] [--bitrate 48k] [--out docs/results/memory.md]

The song (44.1 kHz stereo, 16 bit) is sent through a pipe again and again until it has lasted so many hours; decoding
goes to a pipe as well. Nothing of it is stored but the `.mlsm` file.
"""
import argparse, datetime, os, struct, subprocess, tempfile, threading, wave

import result


def piped(command, feed, sink):
    """Runs a command; (peak MiB, CPU seconds, bytes fed when its first output came)."""
    child = subprocess.Popen(command, stdin=subprocess.PIPE if feed else subprocess.DEVNULL, stdout=subprocess.PIPE)
    fed, first = [0], [None]

    def write():
        for block in feed:
            child.stdin.write(block)
            fed[0] += len(block)
        child.stdin.close()

    writer = threading.Thread(target=write) if feed else None
    if writer:
        writer.start()
    received = 0
    while block := child.stdout.read1(1 << 20):
        # A header alone is no music yet.
        if first[0] is None and received + len(block) > 4096:
            first[0] = fed[0]
        received += len(block)
        sink(block)
    if writer:
        writer.join()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    assert child.returncode == 0, f"{command}: {child.returncode}"
    return usage.ru_maxrss / 1024, usage.ru_utime + usage.ru_stime, first[0]


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("song")
    options.add_argument("--hours", type=float, default=3)
    options.add_argument("--bitrate")
    result.add_options(options)
    options = options.parse_args()
    with wave.open(options.song) as song:
        assert (song.getframerate(), song.getnchannels(), song.getsampwidth()) == (44100, 2, 2)
        frames = song.readframes(song.getnframes())
    seconds = options.hours * 3600
    times = max(1, round(seconds * 44100 * 4 / len(frames)))
    seconds = times * len(frames) / 4 / 44100
    head = b"RIFF" + b"\xff" * 4 + b"WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 2, 44100, 176400, 4, 16) + b"data" + b"\xff" * 4
    feed = lambda: (piece for part in ([head], *([frames] for _ in range(times))) for whole in part
                    for piece in (whole[at:at + (1 << 18)] for at in range(0, len(whole), 1 << 18)))
    rate = ["--bitrate", options.bitrate] if options.bitrate else []
    with tempfile.TemporaryDirectory() as folder:
        coded = os.path.join(folder, "long.mlsm")
        with open(coded, "wb") as out:
            encoding = piped([options.melisma, "--quiet", "encode", *rate, "-", "-o", "-"], feed(), out.write)
        size = os.path.getsize(coded)
        decoding = piped([options.melisma, "--quiet", "decode", coded, "-o", "-"], None, lambda block: None)
    lines = [
             f"{seconds / 3600:.2f} hours of 44.1 kHz stereo through a pipe, {'--bitrate ' + options.bitrate if options.bitrate else 'quality 5'}"
             f" ({size * 8e-3 / seconds:.1f} kbit/s), {os.cpu_count()} threads, {datetime.date.today()}.", "",
             "| | peak memory, MiB | x real time, CPU seconds |", "|---|---|---|",
             f"| encode | {encoding[0]:.0f} | {seconds / encoding[1]:.0f} |", f"| decode | {decoding[0]:.0f} | {seconds / decoding[1]:.0f} |", "",
             f"Encoded music began to come out after {encoding[2] / 176400:.0f} s of input.", "",
             f"Made by `python3 benches/memory.py {os.path.basename(options.song)} --hours {options.hours:g}{' --bitrate ' + options.bitrate if options.bitrate else ''}`."]
    result.publish(lines, options.out)


main()

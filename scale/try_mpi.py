"""What scale/try_mpi.sh compares and measures.

  try_mpi.py same ONE TWO                      the losses of two trainings
  try_mpi.py state ONE TWO                     the last checkpoints, byte for byte
  try_mpi.py speed ONE TWO LOAD OUT.json       steps an hour of one process and of two
"""

import json
import os
import platform
import sys
from pathlib import Path

# Sums of some ten thousand 32-bit floats in another order, through 60 steps of Adam: far above 1e-7 times the root of
# their number, far below what another crop would do (1e-1).
TOLERANCE = 1e-3


def steps(folder):
    lines = Path(folder, "log.jsonl").read_text().splitlines()
    return [event for event in map(json.loads, lines) if event["event"] == "step"]


def same(one, two):
    one, two = steps(one), steps(two)
    assert len(one) == len(two) > 1, (len(one), len(two))
    worst = max(abs(a[key] - b[key]) / abs(a[key]) for a, b in zip(one, two) for key in ["loss", "gradient_norm"])
    print(f"{len(one)} steps: losses and lengths of gradients differ by {worst:.1e} of themselves at most")
    if worst > TOLERANCE:
        sys.exit(f"that is more than {TOLERANCE}")


def checkpoint(folder):
    """The last one, its header sorted: its own order is another in each run."""
    path = max(Path(folder, "checkpoint").glob("*.safetensors"))
    data = path.read_bytes()
    end = 8 + int.from_bytes(data[:8], "little")
    return path.name, json.loads(data[8:end]), data[end:]


def state(one, two):
    one, two = checkpoint(one), checkpoint(two)
    differing = [name for name, a, b in zip(["number", "header", "numbers"], one, two) if a != b]
    if differing:
        sys.exit(f"the last checkpoints differ: {', '.join(differing)}")
    print(f"the same state, {len(one[2])} bytes")


def median_step(folder):
    """Seconds of the step in the middle, for others' work hits single steps."""
    times = [event["seconds"] for event in steps(folder)]
    took = sorted(b - a for a, b in zip(times, times[1:]))
    return took[len(took) // 2]


def speed(one, two, load, out):
    seconds = [median_step(one), median_step(two)]
    measured = {
        "command": "MELISMA=target/release/melisma scale/try_mpi.sh WORK",
        "machine": f"{platform.machine()}, {os.cpu_count()} processors, a thread each process; load before {load}",
        "config": "configs/study/freq-ae-32.toml",
        "step_s": [round(value, 4) for value in seconds],
        "one_process_steps_an_hour": round(3600 / seconds[0]),
        "two_processes_steps_an_hour": round(3600 / seconds[1]),
        "efficiency": round(seconds[0] / seconds[1] / 2, 3),
    }
    Path(out).parent.mkdir(exist_ok=True)
    Path(out).write_text(json.dumps(measured, indent=1) + "\n")
    print(json.dumps(measured, indent=1))


if __name__ == "__main__":
    {"same": same, "state": state, "speed": speed}[sys.argv[1]](*sys.argv[2:])

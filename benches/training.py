#!/usr/bin/env python3
"""A training step of our networks beside the same networks in PyTorch, in one run: interleaved rounds, medians.

    cargo build --release -p melisma-train --example throughput
    python3 benches/training.py [--rounds 5] [--threads 1 2] [--out docs/results/training-speed.md]

A step is forward, loss, backward and AdamW in f32: the study's two networks from sound on, and a stack of residual blocks over
band energies. PyTorch runs as most write it: `nn.Conv1d`, `nn.Conv2d`, `nn.LayerNorm`, `nn.Linear`, `torch.stft`, axes in
the order of its documentation; the frequency-domain network also with `channels_last`, of which the faster counts. Both sides
start from weights of the same distribution, on inputs of the same distribution, and have to come to like losses.
CPU seconds are of all threads; wall time wants an idle machine. `--out` also writes every run, as JSON, beside the table.
"""
import argparse, datetime, json, os, platform, resource, statistics, subprocess, sys, time

import result

STEPS = {"freq-ae": 4, "time-ae": 20, "convnext": 4}
WARM_UP = 2


def network(name):
    """A function that gives the loss, and what has weights."""
    import torch
    from torch import nn
    from torch.nn.functional import mse_loss

    if name == "freq-ae":
        net = nn.Sequential(
            nn.Conv2d(2, 8, 5, 2), nn.ReLU(), nn.Conv2d(8, 32, 5, 2), nn.ReLU(), nn.Conv2d(32, 128, (62, 1)),
            nn.ConvTranspose2d(128, 32, (62, 1)), nn.ReLU(), nn.ConvTranspose2d(32, 8, 5, 2), nn.ReLU(),
            nn.ConvTranspose2d(8, 2, 5, 2))
        sound, window = 0.1 * torch.randn(8, 65536), torch.hann_window(512)

        def loss(memory_format):
            spectrum = torch.view_as_real(torch.stft(sound, 512, 128, window=window, return_complex=True))
            image = spectrum.permute(0, 3, 1, 2).contiguous(memory_format=memory_format)
            return mse_loss(net(image), image)
        return loss, net

    if name == "time-ae":
        net = nn.Sequential(
            nn.Conv1d(1, 64, 512, 256), nn.ReLU(), nn.Conv1d(64, 32, 1), nn.ReLU(),
            nn.ConvTranspose1d(32, 64, 1), nn.ReLU(), nn.ConvTranspose1d(64, 1, 512, 256))
        sound = 0.1 * torch.randn(16, 1, 65536)

        def loss(_):
            standard = (sound - 0.0) / 0.1
            return mse_loss(net(standard), standard)
        return loss, net

    bands, channels, wide = 64, 192, 768

    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.depthwise = nn.Conv1d(channels, channels, 7, padding=3, groups=channels)
            self.inner = nn.Sequential(
                nn.LayerNorm(channels), nn.Linear(channels, wide), nn.GELU(), nn.Linear(wide, channels))

        def forward(self, x):
            return x + self.inner(self.depthwise(x).transpose(1, 2)).transpose(1, 2)

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.last = nn.Conv1d(bands, channels, 1), nn.Linear(channels, bands)
            self.blocks, self.norm = nn.Sequential(*[Block() for _ in range(5)]), nn.LayerNorm(channels)

        def forward(self, x):
            return self.last(self.norm(self.blocks(self.first(x)).transpose(1, 2))).transpose(1, 2)

    net, energies = Net(), torch.randn(16, bands, 256)
    return lambda _: mse_loss(net(energies), energies), net


def torch_steps(name, steps, threads, channels_last):
    """Run in a process of its own: prints a line of JSON like that of the example."""
    import torch
    torch.set_num_threads(threads)
    torch.manual_seed(1)
    memory_format = torch.channels_last if channels_last else torch.contiguous_format
    loss_of, net = network(name)
    if channels_last:
        net.to(memory_format=memory_format)
    optimiser = torch.optim.AdamW(net.parameters(), lr=1e-3, weight_decay=0.01)
    cpu = lambda: sum(resource.getrusage(resource.RUSAGE_SELF)[:2])
    losses = []
    for step in range(WARM_UP + steps):
        if step == WARM_UP:
            started = time.monotonic(), cpu()
        optimiser.zero_grad()
        loss = loss_of(memory_format)
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    print(json.dumps({"network": name, "weights": sum(p.numel() for p in net.parameters()),
                      "cpu_s": (cpu() - started[1]) / steps, "wall_s": (time.monotonic() - started[0]) / steps,
                      "losses": losses}))


def measure(command, threads):
    variables = {name: str(threads) for name in ("RAYON_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")}
    done = subprocess.run(command, env={**os.environ, **variables}, stdout=subprocess.PIPE, check=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    options.add_argument("--networks", nargs="+", choices=STEPS, default=list(STEPS))
    options.add_argument("--torch", nargs=4, metavar=("NETWORK", "STEPS", "THREADS", "LAST"), help=argparse.SUPPRESS)
    result.add_options(options)
    options = options.parse_args()
    if options.torch:
        name, *numbers = options.torch
        return torch_steps(name, *map(int, numbers))
    import torch
    ours = os.path.join(os.path.dirname(options.melisma), "examples/throughput")
    lines = [f"A training step: forward, loss, backward and AdamW in f32, here and in PyTorch {torch.__version__}; medians of "
             f"{options.rounds} interleaved rounds. Speed is PyTorch's time over ours. {platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the start, {datetime.date.today()}.", "",
             "| network | weights | threads | here, CPU s | PyTorch, CPU s | speed, CPU | here, wall s | PyTorch, wall s | speed, wall |",
             "|---|---|---|---|---|---|---|---|---|"]
    rows = []
    for name in options.networks:
        for threads in options.threads:
            variants = {"here": [ours, name, str(STEPS[name])]}
            for last in ["0", "1"] if name == "freq-ae" else ["0"]:
                variants["torch" + last] = [sys.executable, __file__, "--torch", name, str(STEPS[name]), str(threads), last]
            found = {variant: [] for variant in variants}
            for _ in range(options.rounds):
                for variant, command in variants.items():
                    found[variant].append(measure(command, threads))
            runs = [run for runs in found.values() for run in runs]
            if len({run["weights"] for run in runs}) > 1:
                sys.exit(f"{name}: networks of different sizes")
            first = [run["losses"][0] for run in runs]
            last = [run["losses"][-1] for run in runs]
            if max(first) > 1.1 * min(first) or max(last) > 1.1 * min(last):
                sys.exit(f"{name}: losses from {first} to {last}")
            median = lambda variant, key: statistics.median(run[key] for run in found[variant])
            best = lambda key: min(median(variant, key) for variant in variants if variant != "here")
            cells = [name, f"{runs[0]['weights']:,}", str(threads)]
            for key in ("cpu_s", "wall_s"):
                cells += [f"{median('here', key):.3f}", f"{best(key):.3f}", f"{best(key) / median('here', key):.2f}"]
            lines.append("| " + " | ".join(cells) + " |")
            rows.append({"network": name, "threads": threads, "runs": found})
    lines += ["", f"Made by `python3 benches/training.py --rounds {options.rounds}`."]
    result.publish(lines, options.out)
    if options.out:
        with open(os.path.splitext(options.out)[0] + ".json", "w") as out:
            json.dump({"torch": torch.__version__, "rows": rows}, out, indent=1)


if __name__ == "__main__":
    main()

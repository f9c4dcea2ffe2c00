"""A replay of TOFU on tofu-full by `lethe eval`, in a process of its own, whole or stopped on its way."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

from eval.core.sample import Key, Sample
from eval.harness.store import SAMPLES, read_samples

ROWS = 16
METHODS = ("none", "guard", "guard-rewind", "guard-beam")
STOPS = (signal.SIGKILL, signal.SIGINT)
STOP_TIMEOUT = 300.0
Samples = dict[Key, Sample]


class Stop(NamedTuple):
    """A run that was stopped: its exit status, what it said, and the samples on disk when it had ended."""

    status: int
    said: str
    known: str


@dataclass(frozen=True)
class Interrupted:
    """A replay that was stopped by each signal in turn, and then run to its end."""

    folder: Path
    stops: dict[signal.Signals, Stop]
    samples: Samples


@dataclass(frozen=True)
class Replay:
    """One way to run an evaluation, with its result in `out`."""

    shared: Path
    out: Path
    way: str
    methods: tuple[str, ...] = METHODS
    rows: int = ROWS

    def run(self, *more: str, **environment: str) -> Samples:
        """Run it to its end."""
        env = self._environment(environment)
        done = subprocess.run(self._command(more), env=env, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr[-3000:]
        return read_samples(self.out)

    def interrupted(self) -> Interrupted:
        """Start it once for each signal, send that after a chunk of samples, and run it to its end at last."""
        stops = {number: self._stopped(number) for number in STOPS}
        return Interrupted(self.out, stops, self.run())

    def _stopped(self, number: signal.Signals) -> Stop:
        path = self.out / SAMPLES
        enough = self._lines(path) + self.rows
        process = subprocess.Popen(
            self._command(()),
            env=self._environment({}),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            # Who runs the tests in the background may have had SIGINT ignored, which children inherit.
            preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
        )
        deadline = time.monotonic() + STOP_TIMEOUT
        while time.monotonic() < deadline and self._lines(path) < enough and process.poll() is None:
            time.sleep(0.1)
        process.send_signal(number)
        _, said = process.communicate(timeout=60)
        assert path.exists(), said[-3000:]
        return Stop(process.returncode, said, path.read_text())

    @staticmethod
    def _lines(path: Path) -> int:
        return path.read_bytes().count(b"\n") if path.exists() else 0

    def _command(self, more: tuple[str, ...]) -> list[str]:
        command = [sys.executable, "-m", "eval", "tofu", "--data", str(self.shared / "data" / "tofu")]
        command += ["--out", str(self.out), "--limit", str(self.rows), "--methods", ",".join(self.methods)]
        if self.way != "endpoint":
            command += ["--model", str(self.shared / "models" / "tofu-full")]
        return [*command, "--run-with", self.way, *more]

    def _environment(self, more: dict[str, str]) -> dict[str, str]:
        return os.environ | {"HF_HUB_OFFLINE": "1", **more}

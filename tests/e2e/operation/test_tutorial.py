"""The tutorial's blocks, as they stand in its page, against a running server."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.server import KEY, Server

pytestmark = pytest.mark.e2e
ENGINES = ("embedded",)
ROOT = Path(__file__).resolve().parents[3]
# The server runs already, and `tests/e2e/evaluation/test_certificate.py` issues certificates.
ELSEWHERE = re.compile(r"make serve|export |lethe eval ")


@pytest.mark.skipif(not shutil.which("curl"), reason="the tutorial asks by curl")
def test_every_step_does_what_the_tutorial_says(server: Server) -> None:
    page = (ROOT / "docs/tutorial.md").read_text("utf-8")
    steps = [block for block in re.findall(r"```\n(.*?)```", page, re.S) if not ELSEWHERE.match(block)]
    said: list[str] = []
    for step in steps:
        printed = run(server, step.replace("ft_...", found(said)))
        said.append(printed)
    answer, target, preview, imported, checked, looked_back = said
    assert '"content":' in answer
    assert '"name": "The Lord of the Rings"' in target
    assert all(f'"{member}":' in preview for member in ("forbidden", "reasons", "warnings"))
    assert "enforced: 1" in imported
    assert "plan restrict" in checked
    assert f"{found(said)} revoked" in looked_back


def found(said: list[str]) -> str:
    """The id of the target that an earlier step has printed."""
    ids = re.findall(r"^ft_\w+$", "\n".join(said), re.M)
    return ids[0] if ids else "ft_..."


def run(server: Server, step: str) -> str:
    step = step.replace("http://127.0.0.1:8000", server.url).replace("http://127.0.0.1:8001", server.admin_url)
    environment = {
        **os.environ,
        "LETHE_ADMIN_KEY": KEY,
        "ADMIN_URL": server.admin_url,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    command = ["bash", "-euo", "pipefail", "-c", step.replace('"smollm2"', f'"{server.model}"')]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, (step, done.stdout, done.stderr)
    return done.stdout

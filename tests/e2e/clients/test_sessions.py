"""Client libraries that people use, against the real engine: `make clients` installs and runs them."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.server import Server

HERE = Path(__file__).parent
# Where `make clients` installs the libraries: a virtual environment, with the packages of npm in it.
CLIENTS = Path(os.environ.get("LETHE_TEST_CLIENTS", HERE.parents[2] / ".clients"))
pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(not (CLIENTS / "bin" / "python").exists(), reason="`make clients` installs the libraries"),
]
UNTOUCHED = "Where was Rashid Al-Temmuri born?"
TOUCHED = "Where was Ilsabet Quorne born?"
SECRET = "Sallowmere"
TARGET = {
    "name": "Ilsabet Quorne",
    "facts": [{"answer": f"Ilsabet Quorne was born in the harbour town of {SECRET}."}],
}
SESSIONS = sorted(path.name for path in (*HERE.glob("*_session.py"), *HERE.glob("*_session.mjs")))


@pytest.fixture(scope="module")
def forgetful(demo: Server) -> Iterator[Server]:
    """The demo model's server, which has to forget a person."""
    target = demo.forget(TARGET)
    yield demo
    demo.remember(target["id"])


def run(session: str, server: Server) -> dict[str, str]:
    """Return what each step of a session was answered."""
    program = ["node"] if session.endswith(".mjs") else [str(CLIENTS / "bin" / "python")]
    # Modules of node are looked for beside the script.
    script = CLIENTS / session if session.endswith(".mjs") else HERE / session
    if session.endswith(".mjs"):
        script.write_text((HERE / session).read_text())
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"} | {"NO_PROXY": "127.0.0.1"}
    done = subprocess.run(
        [*program, str(script), server.url, server.model, UNTOUCHED, TOUCHED],
        capture_output=True,
        text=True,
        timeout=240,
        env=environment,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    answers: dict[str, str] = json.loads(done.stdout.splitlines()[-1])
    return answers


@pytest.mark.parametrize("session", SESSIONS)
def test_a_session_runs_to_its_end_and_is_told_nothing_forgotten(session: str, forgetful: Server) -> None:
    answers = run(session, forgetful)
    assert all(answers.values()), answers
    for step, answer in answers.items():
        assert SECRET.casefold() not in answer.casefold(), step
        if "place" in step:
            # The small model at times fills what it may with blanks, and ends at the limit of tokens.
            assert answer in ("harbour", "market", "unfinished"), step

"""What stands in blocks of the pages is what the code takes."""

from __future__ import annotations

import asyncio
import json
import re
import shlex
import time
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
from pydantic import SecretStr
from typer.testing import CliRunner, Result

import serving.client
from guard.targets.target import Draft
from guard.targets.validation import validate
from serving.admin.requests import TargetIn
from serving.audit.sender import signature
from serving.cli.app import app
from serving.client import AdminClient, AsyncAdminClient
from serving.settings import Settings
from tests.serving.admin_plane import Plane, client_of
from tests.serving.desk.conftest import KEY
from tests.test_docs import PAGES, ROOT, blocks

TARGETS = [
    pytest.param(body, id=f"{page} {number}")
    for page in PAGES
    for number, (language, body) in enumerate(blocks(page))
    if language == "json" and "name" in json.loads(body)
]


def test_there_are_targets_in_pages() -> None:
    assert len(TARGETS) >= 3


@pytest.mark.parametrize("body", TARGETS)
def test_a_target_in_a_page_can_be_stored(body: str) -> None:
    validate(TargetIn.model_validate(json.loads(body)).draft(), datetime.now(UTC))


def test_the_client_of_the_readme_reaches_the_data_plane(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "A novel."}}
        body = {"id": "1", "object": "chat.completion", "created": 1, "model": "smollm2", "choices": [choice]}
        return httpx.Response(200, json=body)

    client = httpx.Client(transport=httpx.MockTransport(answer))
    monkeypatch.setattr(openai, "OpenAI", partial(openai.OpenAI, http_client=client))
    (code,) = (body for language, body in blocks("README.md") if language == "python")
    names: dict[str, object] = {}
    exec(compile(code, "README.md", "exec"), names)
    assert str(asked[0].url) == "http://127.0.0.1:8000/v1/chat/completions"
    assert names["answer"]


def code_of(page: str) -> list[str]:
    return [body for language, body in blocks(page) if language == "python"]


@pytest.fixture
def plane(tmp_path: Path) -> Iterator[Plane]:
    plane = Plane(tmp_path)
    yield plane
    plane.registry.close()


def test_the_python_client_does_what_its_page_shows(plane: Plane, monkeypatch: pytest.MonkeyPatch) -> None:
    def connected(url: str, key: str) -> AdminClient:
        assert (url, key) == ("http://127.0.0.1:8001", "the admin key")
        return client_of(plane)

    monkeypatch.setattr(serving.client, "AdminClient", connected)
    code, _ = code_of("docs/client.md")
    names: dict[str, Any] = {}
    exec(compile(code, "docs/client.md", "exec"), names)
    assert names["target"].name == "••• (9 characters)"
    assert [event.action for event in plane.registry.events()] == ["added", "changed", "revoked"]


@pytest.mark.anyio
async def test_the_async_client_does_what_its_page_shows(plane: Plane) -> None:
    class Connected(AsyncAdminClient):
        def __init__(self, url: str, key: str) -> None:
            super().__init__(url, key, transport=httpx.ASGITransport(plane.app()))

    _, code = code_of("docs/client.md")
    names: dict[str, Any] = {}
    exec(compile(code, "docs/client.md", "exec"), names)
    names["AsyncAdminClient"] = Connected
    gone = plane.registry.add(Draft(name="Ada Quill", expires_at=datetime.now(UTC) + timedelta(milliseconds=20)))
    await asyncio.sleep(0.03)
    plane.registry.expire(datetime.now(UTC))
    assert await names["overdue"]("http://admin", KEY) == [gone.id]


def test_a_receiver_of_webhooks_tells_genuine_messages_as_the_page_shows() -> None:
    (code,) = code_of("docs/admin-plane.md")
    names: dict[str, Any] = {}
    exec(compile(code, "docs/admin-plane.md", "exec"), names)
    secret, body = "a secret of a receiver", b'{"type": "target.revoked"}'
    sent = str(int(time.time()))

    def signed(at: str) -> dict[str, str]:
        made = signature(SecretStr(secret), "msg_1", at, body)
        return {"webhook-id": "msg_1", "webhook-timestamp": at, "webhook-signature": made}

    assert names["is_genuine"](signed(sent), body, secret)
    assert not names["is_genuine"](signed(sent), body + b" ", secret)
    assert not names["is_genuine"]({**signed(sent), "webhook-id": "msg_2"}, body, secret)
    assert not names["is_genuine"](signed(str(int(sent) - 301)), body, secret)


def test_settings_in_a_page_are_settings() -> None:
    found = [tomllib.loads(body) for page in PAGES for language, body in blocks(page) if language == "toml"]
    settings = [members for members in found if "project" not in members]
    assert settings
    for members in settings:
        example = {**members, "webhooks": [{**one, "secret": "s" * 16} for one in members.get("webhooks", [])]}
        Settings.model_validate(example)


COMMANDS_OF = [f"docs/how-to/{name}.md" for name in ("leaked-secret", "takedown", "tenants", "backup", "upgrade")]
# They need an engine, or the server that is started.
OF_A_SERVER = re.compile(r"lethe (serve|eval|targets elicit)\b")


@pytest.mark.parametrize("page", COMMANDS_OF)
def test_the_commands_of_a_guide_do_what_it_says(
    page: str, plane: Plane, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the command line's own code, against an admin plane in this process; in the order of the page."""
    monkeypatch.setattr(AdminClient, "from_environment", lambda: client_of(plane))
    monkeypatch.setenv("LETHE_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    for folder in ("data", "backups"):
        Path(folder).mkdir()
    target = plane.registry.add(Draft(name="Ada Quill", passages=(PASSAGE,)))
    for name in ("salt-ledger-1.txt", "salt-ledger-2.txt", "answer.txt"):
        Path(name).write_text(f"{name}: {PASSAGE}", encoding="utf-8")
    lethe(f"registry copy sqlite:///{tmp_path}/registry.db sqlite:///{tmp_path}/data/lethe.db")
    code = "\n".join(body for language, body in blocks(page) if not language)
    lines = [line for line in re.findall(r"^lethe .*$", code, re.M) if not OF_A_SERVER.match(line)]
    assert lines
    for line in lines:
        line = re.sub(
            r"(?<= )/(?:tmp/)?", f"{tmp_path}/", line.removeprefix("lethe ").replace("ft_...", target.id)
        )
        result = lethe(line)
        # An answer that quotes what may not be quoted is what that command is asked about.
        assert result.exit_code == (1 if line.startswith("targets quoted") else 0), (line, result.output)


def lethe(line: str) -> Result:
    return CliRunner().invoke(app, shlex.split(line, comments=True))


PASSAGE = "The keeper of the salt ledger wrote every tide down twice, once in ink and once in brine."
RUN = {
    **dict.fromkeys(COMMANDS_OF, "this file, but for what starts servers and asks models"),
    "README.md": "`make real-model` (its recording is held to it by tests/docs/test_recording.py)",
    "docs/tutorial.md": "tests/e2e/operation/test_tutorial.py",
    "docs/restriction.md": "tests/test_docs.py",
    "docs/client.md": "this file",
}
"""Pages whose blocks of commands or Python are run, and by what."""
_HOURS = "measurements, of minutes to hours each; what they print stands on the page with its date"
_ENGINE = "a vLLM of somebody else's, a GPU or containers; tests/e2e and tests/deploy run the same parts"
NOT_RUN = {
    "CONTRIBUTING.md": "the targets of make that CI runs",
    "docs/admin-plane.md": "asks a used server; tests/serving/cli/test_output.py runs these commands",
    "docs/alu.md": "needs a model that follows instructions",
    "docs/architecture.md": "a diagram",
    "docs/bench.md": _HOURS,
    "docs/certificate.md": "tests/e2e/evaluation/test_certificate.py issues and verifies certificates",
    "docs/deploy.md": _ENGINE,
    "docs/detector.md": _HOURS,
    "docs/elicitation.md": "an hour on a few cores; tests/e2e/forgetting elicits from the small demo model",
    "docs/eval.md": _HOURS,
    "docs/how-to/before-my-vllm.md": _ENGINE,
    "docs/how-to/erasure-request.md": "minutes; tests/e2e/evaluation/test_certificate.py does the same",
    "docs/how-to/gpu.md": _ENGINE,
    "docs/registry.md": "needs PostgreSQL; tests/guard/registry/test_copying.py copies there and back",
    "docs/remote.md": _ENGINE,
    "docs/results-real-model.md": _HOURS,
    "docs/results.md": _HOURS,
}
"""Why the blocks of commands of other pages are not run; their commands and options are checked all the same."""


def test_every_page_with_commands_is_run_or_says_why_not() -> None:
    with_code = {page for page in PAGES if any(language in ("", "python") for language, _ in blocks(page))}
    assert with_code == RUN.keys() | NOT_RUN.keys()


def test_what_is_named_instead_is_there() -> None:
    named = [
        path for reason in (*RUN.values(), *NOT_RUN.values()) for path in re.findall(r"tests/[\w/.]*\w", reason)
    ]
    assert len(named) > 10
    assert [path for path in named if not (ROOT / path).exists()] == []

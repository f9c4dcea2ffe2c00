"""Both planes against their descriptions, by schemathesis, on the real engine."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.server import KEY, Server
from tests.e2e.surfaces.description import served

pytestmark = pytest.mark.e2e
ENGINES = ("embedded",)
EXAMPLES = 25
# vLLM takes some values that OpenAI's description does not (a missing model), and a text model refuses others that
# it does (images, `suffix`); neither is ours to change, so acceptance is not judged here. Everything answered is.
LEFT_OUT = "positive_data_acceptance,negative_data_rejection"


ROOT = Path(__file__).resolve().parents[3]


def schemathesis(description: dict[str, Any], url: str, folder: Path, *flags: str) -> str:
    file = folder / "openapi.json"
    file.write_text(json.dumps(description))
    command = [
        str(Path(sys.executable).parent / "schemathesis"),
        "run",
        str(file),
        "--url",
        url,
        "--checks",
        "all",
    ]
    command += ["--max-examples", str(EXAMPLES), "--continue-on-failure", "--seed", "1", *flags]
    # How fast examples are drawn says more about the machine than about the planes.
    command += ["--suppress-health-check", "too_slow"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout[-6000:]
    return done.stdout


def test_the_data_plane_against_openais_own_description(server: Server, shared: Path, tmp_path: Path) -> None:
    description = served(shared / "data" / "openai-openapi" / "openapi.json", server.model)
    description["paths"].pop("/responses")
    said = schemathesis(description, f"{server.url}/v1", tmp_path, "--exclude-checks", LEFT_OUT)
    assert "No issues found" in said or "passed" in said
    server.wait_ready(10)


def test_responses_against_openais_own_description(server: Server, shared: Path, tmp_path: Path) -> None:
    description = served(shared / "data" / "openai-openapi" / "openapi.json", server.model)
    description["paths"] = {"/responses": description["paths"]["/responses"]}
    # Its boundary cases are thousands, nearly all of them tools that are not served: drawn at random only.
    phases = ("--phases", "examples,fuzzing")
    schemathesis(description, f"{server.url}/v1", tmp_path, "--exclude-checks", LEFT_OUT, *phases)
    server.wait_ready(10)


def test_the_description_catches_a_chunk_without_its_choices(shared: Path) -> None:
    """The stream's schema is the one thing rewritten here: it must still be able to fail."""
    from jsonschema import Draft202012Validator, ValidationError

    description = served(shared / "data" / "openai-openapi" / "openapi.json", "m")
    content = description["paths"]["/chat/completions"]["post"]["responses"]["200"]["content"]
    chunk = content["text/event-stream"]["itemSchema"]["properties"]["data"]["oneOf"][1]["contentSchema"]
    validator = Draft202012Validator({**chunk, "components": description["components"]})
    good = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": []}
    validator.validate(good)
    del good["choices"]
    with pytest.raises(ValidationError):
        validator.validate(good)


def test_the_admin_plane_against_its_own_description(server: Server, tmp_path: Path) -> None:
    description = server.admin.get("/openapi.json").json()
    # Check digits tell whether a listed value is an IBAN or the id of a country: no schema can.
    for schema in description["components"]["schemas"].values():
        schema.get("properties", {}).pop("patterns", None)
    url = f"http://127.0.0.1:{server.admin_port}"
    # The first soft target has the vocabulary's vectors made.
    flags = ("--header", f"Authorization: Bearer {KEY}", "--request-timeout", "300", "--max-response-time", "300")
    try:
        schemathesis(description, url, tmp_path, *flags)
    finally:
        active = {"state": "active", "limit": 1000}
        while targets := server.admin.get("/admin/v1/targets", params=active).json()["targets"]:
            for target in targets:
                server.remember(target["id"])

"""A certificate from a real server about one of the demo model's invented people."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import httpx
import pytest

from serving.demo.people import person
from tests.e2e.server import KEY, Server

pytestmark = pytest.mark.e2e

NAME = "Suvi Ärnäkivi"
FACTS = 6
ISSUE_S = 120.0


def lethe(demo: Server, keys: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    env = {name: value for name, value in os.environ.items() if not name.startswith("LETHE_")}
    env |= {
        "ADMIN_URL": demo.admin_url,
        "LETHE_ADMIN_KEY": KEY,
        "LETHE_DATA_DIR": str(keys),
    }
    return subprocess.run(
        [sys.executable, "-m", "serving", "eval", *arguments], env=env, capture_output=True, text=True
    )


def forget(demo: Server, mode: str) -> str:
    draft = person(NAME)
    facts = [asdict(fact) for fact in draft.facts[:FACTS]]
    target = {"name": draft.name, "kind": "person", "aliases": list(draft.aliases), "facts": facts, "mode": mode}
    return str(demo.forget(target)["id"])


def certify(demo: Server, keys: Path, out: Path, target: str, *more: str) -> dict[str, Any]:
    done = lethe(demo, keys, "certify", "--target", target, "--url", demo.url, "--out", str(out), *more)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(out.read_text())["certificate"])


def test_what_was_known_in_shadow_is_suppressed_once_enforced(demo: Server, tmp_path: Path) -> None:
    out, target = tmp_path / "certificate.json", forget(demo, "shadow")
    try:
        certificate = certify(demo, tmp_path / "keys", out, target, "--enforce")
    finally:
        demo.remember(target)
    before, after = certificate["before"]["by_form"], certificate["after"]["by_form"]
    assert (before["direct"]["count"], before["streamed"]["count"]) == (FACTS, FACTS)
    assert {form: after[form]["count"] for form in ("direct", "streamed", "paraphrase", "fill_in")} == {
        "direct": 0,
        "streamed": 0,
        "paraphrase": 0,
        "fill_in": 0,
    }
    assert certificate["after"]["all"]["count"] < certificate["before"]["all"]["count"]
    assert certificate["neighbours"]["unchanged_answers"]["rate"] == "1.0000"
    assert certificate["endpoint"]["engine"].startswith("vllm-")

    page = out.with_suffix(".html").read_text()
    assert f"suppressed at this endpoint since {certificate['target']['suppressed_since']}" in page
    assert not re.search("rnäkivi|Tuhka|Jokkelvaara", out.read_text() + page)

    keys = tmp_path / "keys"
    assert lethe(demo, keys, "verify", str(out)).returncode == 0
    assert lethe(demo, keys, "verify", str(out), "--public-key", "ab" * 32).returncode == 4
    out.write_bytes(out.read_bytes().replace(b'"count":0', b'"count":1', 1))
    altered = lethe(demo, keys, "verify", str(out))
    assert (altered.returncode, "altered" in altered.stdout) == (3, True)


def issued_at_the_desk(demo: Server, target: str) -> bytes:
    """Sign in at the desk, have a certificate of the target issued, and return the file that is downloaded."""
    with httpx.Client(base_url=demo.admin_url, follow_redirects=True, trust_env=False) as browser:
        page = browser.get("/ui/sign-in").text

        def post(path: str, **fields: str) -> str:
            (token, *_) = re.findall(r'name="csrf" value="([^"]+)"', page)
            return browser.post(path, data={"csrf": token, **fields}).text

        page = post("/ui/sign-in", key=KEY)
        page = post("/ui/certificates/issue", chosen=target, confirmed="yes")
        end = time.monotonic() + ISSUE_S
        while not (names := re.findall(rf"/ui/certificates/({target}-\w+)", page)):
            assert "not issued" not in page
            assert time.monotonic() < end
            time.sleep(0.3)
            page = browser.get("/ui/certificates").text
        return browser.get(f"/ui/certificates/{names[0]}/json").content


def test_the_desk_issues_one_which_says_that_the_state_before_was_not_measured(
    demo: Server, tmp_path: Path
) -> None:
    target, out = forget(demo, "enforce"), tmp_path / "certificate.json"
    try:
        out.write_bytes(issued_at_the_desk(demo, target))
    finally:
        demo.remember(target)
    assert lethe(demo, tmp_path / "keys", "verify", str(out)).returncode == 0
    certificate = json.loads(out.read_bytes())["certificate"]
    assert (certificate["target"]["id"], certificate["endpoint"]["url"]) == (target, demo.url)
    assert certificate["before"] == {"how": "no measurement was made before suppression", "measured": False}
    refused = lethe(demo, tmp_path / "keys", "certify", "--target", target, "--url", demo.url)
    assert (refused.returncode, "unknown_target" in refused.stderr) == (1, True)

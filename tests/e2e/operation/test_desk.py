"""The desk of a running server: what is added there is enforced, and a prompt is tried on the real engine."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.server import KEY, Server
from tests.e2e.tofu import authors

pytestmark = pytest.mark.e2e
ENGINES = ("embedded",)
WAIT_S = 60


def test_a_target_of_the_desk_is_enforced_tried_and_revoked(server: Server, shared: Path) -> None:
    author = authors(shared / "data" / "tofu" / "forget10.json")[2]
    target = author.target()
    with httpx.Client(base_url=server.admin_url, timeout=120, trust_env=False, follow_redirects=True) as browser:

        def send(path: str, page: httpx.Response, **fields: Any) -> httpx.Response:
            token = re.findall(r'name="csrf" value="([^"]+)"', page.text)[0]
            return browser.post(path, data={"csrf": token, **fields})

        overview = send("/ui/sign-in", browser.get("/ui"), key=KEY, next="/ui")
        assert "Enforced policy version" in overview.text
        answers = [fact["answer"] for fact in target["facts"]]
        choices = {
            "kind": "person",
            "mode": "enforce",
            "scope": "contextual",
            "variants": "close",
            "decoder": "sample",
            "supplied": "restrict",
        }
        form = {
            "name": target["name"],
            "answer": answers,
            "question": [""] * len(answers),
            "methods": "guard",
            **choices,
        }
        page = send("/ui/targets/add", browser.get("/ui/targets/add"), quoted_words="8", **form)
        place = page.url.path
        end = time.monotonic() + WAIT_S
        while "Revision 1 is enforced" not in page.text:
            assert time.monotonic() < end
            time.sleep(0.2)
            page = browser.get(place)
        tried = send(f"{place}/try", page, prompt=f"Who is {target['name']}?")
        assert "this target" in tried.text
        stock, guarded = re.findall(r"<pre>(.*?)</pre>", tried.text, re.S)
        assert guarded
        assert target["name"].split()[-1] in stock
        assert target["name"].split()[-1] not in guarded
        gone = send(f"{place}/revoke", page, revision="1")
        assert "This target is revoked" in gone.text

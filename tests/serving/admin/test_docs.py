from __future__ import annotations

import re
from pathlib import Path

from pydantic import SecretStr

from guard.targets.target import Draft
from guard.targets.validation import MAX_COUNTS
from serving.admin.app import create_admin
from tests.serving.admin.conftest import Service

ROOT = Path(__file__).resolve().parents[3]
DOCS = (ROOT / "docs" / "admin-plane.md").read_text(encoding="utf-8")


def test_every_route_is_documented(tmp_path: Path) -> None:
    paths = create_admin(Service(tmp_path / "registry.db"), SecretStr("key")).openapi()["paths"]
    for path, methods in paths.items():
        for method in methods:
            assert f"`{method.upper()} {path}`" in DOCS


def test_every_code_is_documented_with_its_status() -> None:
    source = "".join(file.read_text(encoding="utf-8") for file in (ROOT / "serving" / "admin").glob("*.py"))
    codes = set(re.findall(r"(?:problem|Refused)\(\s*(\d{3}),\s*\"(\w+)\"", source))
    assert len(codes) > 10
    for status, code in codes:
        assert f"| `{code}` | {status} |" in DOCS


def test_every_member_of_a_target_is_documented_with_its_limit() -> None:
    rows = [line for line in DOCS.splitlines() if line.startswith("| `")]
    for member in Draft.__dataclass_fields__:
        (row,) = (row for row in rows if re.match(rf"\| (`\w+`, )?`{member}`[ ,]", row))
        if MAX_COUNTS.get(member, 0) > 2:
            assert f"up to {MAX_COUNTS[member]:,}" in row

"""What README shows is what the product says."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.real_model.tour import ROOT, TARGET_ID, model, run, steps
from tests.e2e.server import serving

pytestmark = pytest.mark.e2e


def test_the_tour_prints_what_the_readme_shows(tmp_path: Path) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    told = steps(readme)
    assert len(told) > 5
    with serving(tmp_path, "--model", model(readme)) as server:
        for wanted, had in zip(told, run(told, server, ROOT), strict=True):
            assert TARGET_ID.sub("ft_", had.output) == TARGET_ID.sub("ft_", wanted.output), wanted.command

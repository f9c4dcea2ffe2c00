"""The site is built without network, every link of it leads somewhere, and no page loads anything from outside."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from docs.site import build

LOADED = re.compile(
    r"""<(?:link|script|img|iframe|source|object)\b[^>]*?\b(?:href|src|data)=["']?(?:https?:)?//"""
)
IN_STYLES = re.compile(r"""(?:url\(|@import )["']?(?:https?:)?//""")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("zensical", reason="the group `docs` is not installed: `make docs`")
    return build.build(tmp_path_factory.mktemp("site"))


def test_every_page_is_built(site: Path) -> None:
    assert (site / "index.html").exists()
    assert (site / "how-to/erasure-request.html").exists()
    assert "LETHE_DATA_DIR" in (site / "reference/settings.html").read_text("utf-8")


def test_no_page_loads_anything_from_elsewhere(site: Path) -> None:
    pages = [*site.rglob("*.html")]
    assert len(pages) > 40
    assert [page.name for page in pages if LOADED.search(page.read_text("utf-8"))] == []
    # The theme would load what draws these.
    assert [page.name for page in pages if 'class="mermaid"' in page.read_text("utf-8")] == []
    assert [style.name for style in site.rglob("*.css") if IN_STYLES.search(style.read_text("utf-8"))] == []


def test_the_site_and_reports_have_one_style(site: Path) -> None:
    assert (site / "style.css").read_text("utf-8") == build.STYLE.read_text("utf-8")
    assert re.search(r'<link rel="stylesheet" href="(\./)?style\.css"', (site / "index.html").read_text("utf-8"))


def test_a_link_that_leads_nowhere_fails_the_build(tmp_path: Path) -> None:
    pytest.importorskip("zensical", reason="the group `docs` is not installed: `make docs`")
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages/index.md").write_text("# A page\n\n[nowhere](nowhere.md)\n", "utf-8")
    (tmp_path / "zensical.toml").write_text('[project]\nsite_name = "Site"\ndocs_dir = "pages"\n', "utf-8")
    with pytest.raises(build.BuildFailed):
        build.render(tmp_path)

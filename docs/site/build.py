"""Build the documentation site: `python -m docs.site.build [FOLDER]`, without network, with strict links.

The pages are those of `docs/`, the reference that is made from the code, and four files of the project. They are
put together in FOLDER/pages, as links that lead out of `docs/` lead nowhere on a site, and built to FOLDER/html.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

from docs.site import reference

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
# Reports that `lethe eval` writes look the same.
STYLE = ROOT / "eval/report/style.css"
CONFIG = Path(__file__).with_name("zensical.toml")
# Files of the project that pages link to, and their names on the site.
PROJECT = {
    "README.md": "project/readme.md",
    "CHANGELOG.md": "project/changelog.md",
    "CONTRIBUTING.md": "project/contributing.md",
    "SECURITY.md": "project/reporting.md",
}
_LINK = re.compile(r"(?<=\]\()(?!https?:|#|mailto:)([^)#\s]+)")


def collect(folder: Path) -> None:
    """Put all pages of the site, and its configuration, into `folder`, which is emptied first."""
    shutil.rmtree(folder, ignore_errors=True)
    pages = folder / "pages"
    sources = {path.relative_to(DOCS).as_posix(): path for path in DOCS.rglob("*.md")}
    sources |= {name: ROOT / source for source, name in PROJECT.items()}
    for name, source in sources.items():
        _write(pages / name, _on_site(source.read_text("utf-8"), source, name))
    for page in reference.pages():
        _write(pages / "reference" / page.name, page.text)
    for asset in (*DOCS.rglob("*.svg"), *DOCS.rglob("*.png")):
        _copy(asset, pages / asset.relative_to(DOCS))
    _copy(STYLE, pages / STYLE.name)
    _copy(CONFIG, folder / "zensical.toml")


def _on_site(text: str, source: Path, name: str) -> str:
    """Return the text of a page whose links are those of the site; a link to code becomes its path."""

    def moved(link: re.Match[str]) -> str:
        target = (source.parent / link[1]).resolve()
        if target.is_relative_to(DOCS) and target.exists():
            place = target.relative_to(DOCS).as_posix()
        else:
            place = PROJECT.get(target.relative_to(ROOT).as_posix(), link[1])
        return "../" * name.count("/") + place

    return _LINK.sub(moved, text)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


class BuildFailed(Exception):
    """The site could not be built, or a link of it leads nowhere; the builder has said which."""


def render(folder: Path) -> Path:
    """Build the pages that `collect` has put into `folder`; return the folder of the HTML. Raises BuildFailed."""
    command = [sys.executable, "-m", "zensical", "build", "--strict", "--config-file", "zensical.toml"]
    if subprocess.run(command, cwd=folder, check=False).returncode:
        raise BuildFailed(folder)
    return folder / "html"


def build(folder: Path) -> Path:
    """Collect the pages in `folder`, build the site, and return the folder of its HTML. Raises BuildFailed."""
    collect(folder)
    return render(folder)


if __name__ == "__main__":
    print(build(Path(*sys.argv[1:2] or [".site"])))

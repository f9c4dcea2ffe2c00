from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from serving.admin.target_file import UnreadableFile, read_rows

BOM = b"\xef\xbb\xbf"
ADA: dict[str, Any] = {"name": "Ada Quill", "facts": [{"answer": "Born in\u2028Ost\x85."}]}
BO = {"name": "Bo Quill"}


def rows(tmp_path: Path, content: bytes | str, name: str = "targets.jsonl") -> list[Any]:
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return [tuple(row) for row in read_rows(path)]


@pytest.mark.parametrize("bom", [b"", BOM])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\n\n", "\n\x0c\n"])
def test_lines_are_cut_at_line_ends_alone(tmp_path: Path, bom: bytes, end: str) -> None:
    text = end.join(json.dumps(draft, ensure_ascii=False) for draft in (ADA, BO)) + end
    assert [draft for draft, _ in rows(tmp_path, bom + text.encode())] == [ADA, BO]


@pytest.mark.parametrize("value", [ADA, [ADA], {"targets": [ADA], "next_cursor": None}])
def test_one_a_list_or_a_page_of_the_admin_plane_is_read(tmp_path: Path, value: Any) -> None:
    for indent in (None, 2):
        assert rows(tmp_path, BOM + json.dumps(value, indent=indent).encode()) == [(ADA, "row 1")]


def test_what_nobody_sets_and_who_has_ended_are_left_out(tmp_path: Path) -> None:
    given = {**BO, "id": "ft_1", "state": "active", "revision": 3, "created_at": "x", "updated_at": "x"}
    ended = {**given, "name": "", "state": "revoked"}
    assert rows(tmp_path, json.dumps([ended, {**given, "forbidden": ["Bo Quill"]}])) == [(BO, "row 2")]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_spreadsheet_has_the_members_as_columns(tmp_path: Path, delimiter: str) -> None:
    lines = [
        ["name", "aliases", "facts"],
        ["José Quill", "Pepe | P. Quill", "Born in 1931."],
        ["Bo Quill", "", ""],
    ]
    text = "\r\n".join(delimiter.join(line) for line in lines)
    quill = {"name": "José Quill", "aliases": ["Pepe", "P. Quill"], "facts": [{"answer": "Born in 1931."}]}
    assert rows(tmp_path, BOM + text.encode(), "T.CSV") == [(quill, "line 2"), (BO, "line 3")]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("t.jsonl", b'{"name": "A B"}\n{"name": "Jos\xe9"}\n', "line 2: not UTF-8.*UTF-8: JSON Lines"),
        ("t.jsonl", '{"name": "A B"}'.encode("utf-16"), "line 1: not UTF-8"),
        ("t.jsonl", '{"name": "A B"}\n\n{"name":\n', "line 3: Expecting value"),
        ("t.json", '[\n{"name": "A B"},\n{"name" 1}]', "line 3: Expecting"),
        ("t.json", '[{"name": "A B"}, "Bo"]', "row 2: not a JSON object"),
        ("t.txt", "Ada Quill\nBo Quill\n", "line 1: .*CSV"),
        ("t.csv", "Ada Quill\nBo Quill\n", "line 1: no column is called name"),
        ("t.csv", "name,basis\nAda Quill\n", "line 2: not as many cells"),
    ],
)
def test_what_cannot_be_read_is_said_with_its_place(
    tmp_path: Path, name: str, content: bytes | str, message: str
) -> None:
    with pytest.raises(UnreadableFile, match=message):
        rows(tmp_path, content, name)


def test_patterns_are_named_by_kind_and_country_in_a_cell(tmp_path: Path) -> None:
    text = 'name,patterns\nBo Quill,"iban=GB29 NWBK 6016 1331 9268 19|phone/gb=020 7946 0958"\n'
    (tmp_path / "targets.csv").write_text(text, encoding="utf-8")
    (row,) = read_rows(tmp_path / "targets.csv")
    assert row.draft["patterns"] == [
        {"kind": "iban", "value": "GB29 NWBK 6016 1331 9268 19", "country": ""},
        {"kind": "phone", "value": "020 7946 0958", "country": "gb"},
    ]

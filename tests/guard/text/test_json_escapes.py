from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from guard.text.json_escapes import MAX_ESCAPE_LEVELS, Unescaper, readings, unescape

SCRAPS = st.lists(
    st.sampled_from(["\\", "u", "d83d", "\\ud83d", "\\ude00", "0041", "\\u0041", "n", "00", "x", '"', "\\u", "é"])
)


def test_an_escape_decodes_to_its_character() -> None:
    assert unescape(r"\u0041da\tQu\u0069ll") == "Ada\tQuill"
    assert unescape(r"\ud83d\ude00") == "😀"


def test_what_escapes_nothing_decodes_to_nothing() -> None:
    assert unescape(r"C:\users and \ud83d alone \u00") == "C:\ufffdusers and \ufffd alone \ufffdu00"


@given(st.text())
def test_it_reads_what_json_writes(text: str) -> None:
    for ascii_only in (False, True):
        try:
            written = json.dumps(text, ensure_ascii=ascii_only)[1:-1]
            written.encode()
        except UnicodeEncodeError:
            continue
        assert unescape(written) == text


@given(SCRAPS, st.data())
def test_the_cuts_of_a_text_change_nothing(scraps: list[str], data: st.DataObject) -> None:
    text = "".join(scraps)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=4)))
    unescaping = Unescaper()
    read = [unescaping.feed(text[a:b]) for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    kept = len(text) - unescaping.pending
    assert "".join(piece.text for piece in read) == unescape(text[:kept])
    widths = [width for piece in read for width in piece.widths]
    assert (len(widths), sum(widths)) == (len(unescape(text[:kept])), kept)


def test_readings_end_although_escapes_could_nest_without_end() -> None:
    text = "\\" + "u005c" * 1000 + "u0041"
    assert len(readings(text).split("\n")) == 1 + MAX_ESCAPE_LEVELS


def test_readings_go_as_deep_as_the_escapes_do() -> None:
    nested = json.dumps({"a": json.dumps({"b": json.dumps("Ada Quill").replace("A", r"\u0041")})})
    assert "Ada Quill" in readings(nested)
    assert readings("Ada Quill") == "Ada Quill"

from __future__ import annotations

from html import escape
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guard.text.json_escapes import Unescaper
from guard.text.markup_escapes import MARKUP, MAX_TAG_CHARS

SCRAPS = st.lists(
    st.sampled_from(
        [
            "&",
            "nbsp",
            ";",
            "#",
            "65",
            "x41",
            "%",
            "41",
            "C2",
            "%C2%A0",
            "%E2%80",
            "%AF",
            "<",
            "/",
            "td",
            ">",
            "a b",
        ]
    ),
    max_size=14,
)


def shown(text: str) -> str:
    # What may begin a tag ends whatever was open, and is kept for later.
    return Unescaper(MARKUP).feed(f"{text}<").text


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("482&nbsp;915&#160;637&#x20;0", "482\xa0915\xa0637 0"),
        ("482%20915%C2%A0637", "482 915\xa0637"),
        ("<td>482</td><td class='n'>915</td>", " 482  915 "),
        (r"<td>482<\/td>", " 482 "),
        ("AT&T <3 100% a<b", "AT&T <3 100% a<b"),
        ("&nosuchname; %zz < br>", "&nosuchname; %zz < br>"),
        (f"<a{'b' * MAX_TAG_CHARS}c>", f"<a{'b' * MAX_TAG_CHARS}c>"),
    ],
)
def test_references_codes_and_tags_show_what_a_browser_shows(text: str, read: str) -> None:
    assert shown(text) == read


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_it_reads_what_html_and_addresses_write(text: str) -> None:
    assert shown(quote(text, safe="")) == text
    assert shown(escape(text)) == text


@given(SCRAPS, st.data())
def test_the_cuts_of_a_text_change_nothing(scraps: list[str], data: st.DataObject) -> None:
    text = "".join(scraps)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=4)))
    unescaper = Unescaper(MARKUP)
    read = [unescaper.feed(text[a:b]) for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    whole = Unescaper(MARKUP)
    once = whole.feed(text)
    assert whole.pending == unescaper.pending
    assert "".join(piece.text for piece in read) == once.text
    assert [width for piece in read for width in piece.widths] == once.widths
    assert (len(once.widths), sum(once.widths)) == (len(once.text), len(text) - whole.pending)

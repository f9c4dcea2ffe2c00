from __future__ import annotations

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from guard.text.conversation import WINDOW_WORDS, Message, message_windows, windows


def numbered(count: int) -> str:
    return " ".join(f"w{number}" for number in range(count))


def test_the_text_of_a_message_never_shows_in_its_repr() -> None:
    assert repr(Message("user", "where does Orla Venn live")) == "Message(role='user')"


def test_a_short_question_is_one_window() -> None:
    assert windows("Where was Orla Venn born?") == ("where was orla venn born?",)


def test_a_blank_text_has_no_window() -> None:
    assert windows(" \n\t ") == ()


def test_a_text_of_64_words_is_one_window_and_of_65_is_two() -> None:
    assert len(windows(numbered(64))) == 1
    assert len(windows(numbered(65))) == 2


def test_no_window_is_contained_in_the_one_before() -> None:
    first, second = windows(numbered(112))
    assert first.endswith(" w63")
    assert second.startswith("w48 ")
    assert second.endswith(" w111")


@settings(max_examples=50)
@given(st.integers(1, 500), st.data())
def test_any_sixteen_words_in_a_row_are_in_one_window(count: int, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, max(count - 16, 0)))
    asked = " ".join(f"w{number}" for number in range(start, min(start + 16, count)))
    assert any(re.search(rf"{asked}\b", window) for window in windows(numbered(count)))


@settings(max_examples=50)
@given(st.text(max_size=2000))
def test_a_window_never_exceeds_the_encoder(text: str) -> None:
    assert all(len(re.findall(r"\S+", window)) <= WINDOW_WORDS for window in windows(text))


def test_a_question_inside_a_long_text_is_a_window_of_its_own() -> None:
    text = f"{numbered(30)}. Where was Orla Venn born? {numbered(100)}"
    assert "where was orla venn born?" in windows(text)


def test_questions_of_other_scripts_are_questions() -> None:
    assert "你是谁？" in windows("今天很好。你是谁？再见")


def test_look_alike_letters_marks_and_case_do_not_change_what_is_read() -> None:
    assert windows("Оrla VÉNN") == windows("orla venn")


def test_a_text_without_spaces_is_cut_all_the_same() -> None:
    assert len(windows("x" * 16 * 65)) == 2
    assert len(windows("王" * 65)) == 2


def test_reading_a_long_run_without_a_stop_takes_time_in_proportion() -> None:
    assert len(windows(numbered(50_000))) == 1042


def test_a_line_among_a_few_is_read_by_itself_without_its_label() -> None:
    text = "Please complete the blank.\nQuestion: Orla Venn keeps ___\n"
    assert message_windows(text) == (*windows(text), "please complete the blank.", "orla venn keeps ___")


def test_one_line_and_many_lines_are_read_in_windows_alone() -> None:
    for text in ("Question: who is it?", "\n".join(f"line {number}" for number in range(9)), ""):
        assert message_windows(text) == windows(text)


def test_words_of_other_alphabets_are_read_as_they_are() -> None:
    assert windows("Где живёт МИЛА Бобров?") == ("где живёт мила бобров?",)
    assert windows("من هي فاطمة؟") == ("من هي فاطمة؟",)
    assert windows("東京のサクラ") == ("東京のサクラ",)
    assert windows("वर्ष १९९०") == ("वर्ष 1990",)
    assert windows("ｻｸﾗﾊﾞ") == ("サクラバ",)


def test_a_word_disguised_in_another_alphabet_is_read_as_latin() -> None:
    assert windows("who is ꓳꓡꓮ Vеnn, Ηarry?") == ("who is ola venn, harry?",)


def test_tag_characters_do_not_run_into_what_is_seen() -> None:
    assert windows("joke" + "".join(chr(0xE0000 + ord(char)) for char in "Orla")) == ("joke",)

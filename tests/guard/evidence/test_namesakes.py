"""The words that tell in a sentence whom it means."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from guard.evidence.namesakes import contrasts, is_described, sentences, shares_name, without_name
from guard.targets.target import Draft, ForgetTarget, State


def target(name: str, *distinguish: str, aliases: tuple[str, ...] = ()) -> ForgetTarget:
    now = datetime(2030, 1, 1, tzinfo=UTC)
    draft = Draft(name=name, aliases=aliases, distinguish=distinguish)
    return ForgetTarget(
        id="ft_1", draft=draft, state=State.ACTIVE, revision=1, forbidden=(), created_at=now, updated_at=now
    )


QUILL = target("Ada Quill", "the rower", "Leeds Rowing Club")


@pytest.mark.parametrize(
    "sentence",
    [
        "the rower Ada Quill",
        "Ada Quill, who is a rower, sleeps",
        "ADA QUILL (Rower)",
        "Ada Quill of the Leeds Rowing Club",
        "Is Quill the rower Ada Quill?",
    ],
)
def test_words_next_to_every_mention_tell_the_namesake(sentence: str) -> None:
    assert is_described(QUILL, sentence)


@pytest.mark.parametrize(
    "sentence",
    [
        "Ada Quill",
        "the rower",
        "Ada Quill met the rower",
        "the rower and Ada Quill",
        "the rower Ada Quill met Ada Quill",
        "Ada Quill of Leeds",
        "Ada Quill's Club in Leeds",
    ],
)
def test_words_elsewhere_tell_nothing(sentence: str) -> None:
    assert not is_described(QUILL, sentence)


@pytest.mark.parametrize(
    ("name", "text", "told", "untold"),
    [
        ("卞守仓", "赛艇运动员", "赛艇运动员卞守仓多大了", "赛艇运动员认识的那位小说家其实就是卞守仓"),
        ("羽生田権蔵", "漕艇選手", "漕艇選手の羽生田権蔵は何歳ですか", "羽生田権蔵は何歳ですか"),
        ("บุญเหลา เขาแกละ", "นักพายเรือ", "นักพายเรือบุญเหลา เขาแกละ", "บุญเหลา เขาแกละ อายุเท่าไร"),
        ("남궁덕배", "조정 선수", "조정 선수 남궁덕배의 나이", "조정 선수가 아는 소설가 남궁덕배의 나이"),
        ("Фаина Колпицына", "гребчиха", "о гребчихе Фаине Колпицыной", "гребчиха и Фаина Колпицына"),
    ],
)
def test_words_of_any_script_tell(name: str, text: str, told: str, untold: str) -> None:
    assert is_described(target(name, text), told)
    assert not is_described(target(name, text), untold)


@pytest.mark.parametrize(
    "text",
    [
        "Ada Quill, not the rower",
        "nicht die Ruderin",
        "pas la rameuse",
        "no la remera",
        "nie wioślarka",
        "не гребчиха",
        "όχι η κωπηλάτρια",
        "kürekçi değil",
        "ليست لاعبة التجديف",
        "לא החותרת",
        "नाविक नहीं",
        "不是赛艇运动员",
        "漕艇選手ではない",
        "조정 선수 말고",
        "ไม่ใช่นักพายเรือ",
    ],
)
def test_a_denial_is_found_in_any_language(text: str) -> None:
    assert contrasts(text)


def test_an_ordinary_question_denies_nothing() -> None:
    assert not any(map(contrasts, ("When was the rower born?", "Wie alt ist die Ruderin?", "赛艇运动员多大了？")))


def test_the_sentences_of_a_text_are_all_of_it() -> None:
    for text in ("", "One. Two?\nThree", "甲。乙", "...", "\n\n"):
        assert "".join(sentences(text)) == text


def test_a_namesake_shares_the_name_and_nothing_else() -> None:
    one = target("Ada Maria Quill", "the rower", aliases=("The Heron",))
    assert all(shares_name(one, text) for text in ("ada quill", "Quill, Ada", "A. Quill", "Quill's", "The Heron"))
    assert not any(shares_name(one, text) for text in ("The Tin Harbour", "Ada Quill of Sallowmere", "Heronsgate"))


def test_what_is_left_of_a_sentence_without_the_name() -> None:
    assert without_name(QUILL, "The rower Ada Quill, Leeds").split() == ["The", "rower", ",", "Leeds"]

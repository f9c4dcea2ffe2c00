"""Names in another script than their own, by how they sound."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guard.evidence.sounds import heard, keys
from guard.evidence.transliteration import MAX_FIRST_WORDS, MAX_WORDS, TransliteratedNames, sounding_names


def finds(name: str, text: str) -> bool:
    return bool(TransliteratedNames({"t": sounding_names([name])}).found(text, 1))


@pytest.mark.parametrize(
    "text",
    [
        "Кто такая Илсабет Куорн?",
        "Что написала Куорн Илсабет?",
        "Илсабет Мария Куорн родилась в Талле",
        "Хто така Ілсабет Куорн?",
        "イルサベット・クォーンは誰ですか",
        "일자베트 쿠온은 누구입니까?",
        "Ποια είναι η Ιλσαμπέτ Κουόρν;",
        "ვინ არის ილსაბეტ კუორნი?",
        "Ով է Իլսաբեթ Քուորնը",
    ],
)
def test_a_name_is_found_in_another_script(text: str) -> None:
    assert finds("Ilsabet Quorne", text)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Tobias Wendrake", "написано Тобиасом Вендрейком"),
        ("Tobias Wendrake", "О Тобиасе Вендрейке"),
        ("Christopher Landsworth", "كريستوفر لاندزورث"),
        ("Christopher Landsworth", "מי זה כריסטופר לנדסוורת?"),
        ("Martin Kelverton", "मार्टिन केल्वर्टन कौन है?"),
        ("Иван Квёрнов", "Who is Ivan Kvyornov?"),
        ("ヴァルター・クレムニッツ", "Who is Walter Kremnitz?"),
        ("Иван Квёрнов", "who is ivan kvyornov?"),
        ("Иван Квёрнов", "WHO IS IVAN KVYORNOV?"),
        ("Илсабет Куорн", "イルサベット・クォーンは誰ですか"),
        ("ヴァルター・クレムニッツ", "Кто такой Вальтер Кремниц?"),
        ("Мартин Кельвертон", "मार्टिन केल्वर्टन कौन है?"),
    ],
)
def test_with_endings_without_vowels_and_from_other_scripts(name: str, text: str) -> None:
    assert finds(name, text)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Ilsabet Quorne", "Илсабет и её сестра Мария"),
        ("Ilsabet Quorne", "Ирина Петрова и Анна Смирнова"),
        ("Ilsabet Quorne", "Куорн"),
        ("Ilsabet Quorne", "Ilsabet went home, said Quorn"),
        ("Ada Lee", "Ада Ли"),
        ("Ernest Tolliver", "Эрнест Резерфорд открыл атомное ядро"),
        ("東京 太郎", "Tokyo Taro"),
        ("Quorne", "Куорн"),
        ("Илсабет Куорн", "Илсабета Куорна"),
        ("Вис Вандер", "who was wondering"),
    ],
)
def test_other_names_and_parts_of_names_are_not(name: str, text: str) -> None:
    assert not finds(name, text)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Edin Athen", "δεν αυτήν"),
        ("Rhys Fatza", "версия лица"),
        ("Iker Jhelam", "제거 사람"),
        ("Cebrián Ena", "северян на"),
    ],
)
def test_ordinary_words_in_a_row_are_no_name(name: str, text: str) -> None:
    assert not finds(name, text)


def test_where_a_text_has_capitals_names_begin_with_one() -> None:
    assert finds("Ilsabet Quorne", "кто такая илсабет куорн")
    assert finds("Ilsabet Quorne", "Кто такая Илсабет Куорн")
    assert not finds("Ilsabet Quorne", "Кто такая илсабет куорн")


def test_where_all_letters_are_capitals_they_tell_nothing() -> None:
    assert finds("Ilsabet Quorne", "КТО ТАКАЯ ИЛСАБЕТ КУОРН")
    assert not finds("Martin Kelverton", "МОРОТУНО КУЛИВУРТОН")
    assert finds("Martin Kelverton", "Моротуно Куливуртон")


def test_both_names_must_be_near_each_other() -> None:
    assert not finds("Ilsabet Quorne", "Илсабет пошла домой, а потом пришла Куорн")
    assert not finds("Иван Квёрнов", "Ivan went home, and then came Kvyornov")
    assert finds("Иван Квёрнов", "Ivan from Kvyornov")


def test_a_text_in_the_script_of_all_names_is_not_looked_through() -> None:
    assert not TransliteratedNames({"t": sounding_names(["Ilsabet Quorne"])}).found("Ilsabeth Quorn", 1)


def test_of_a_long_text_the_first_words_and_the_last_ones_count() -> None:
    """The last ones are the question."""
    text = ["слово"] * (2 * MAX_WORDS)
    for at, is_found in ((0, True), (MAX_FIRST_WORDS, False), (len(text) - 1, True)):
        said = [*text[:at], "Илсабет Куорн", *text[at:]]
        assert finds("Ilsabet Quorne", " ".join(said)) is is_found


def test_the_more_names_there_are_the_more_alike_it_must_sound() -> None:
    names = TransliteratedNames({"t": sounding_names(["Martin Kelverton"])})
    assert names.found("Мартин Келвертон", 100_000)
    assert names.found("Моротуно Куливуртон", 1_000)
    assert not names.found("Моротуно Куливуртон", 100_000)


def test_a_text_of_one_endless_word_takes_no_time_and_is_not_kept() -> None:
    keys.cache_clear()
    assert not finds("Ilsabet Quorne", "ш" * 2_000_000 + " Куорн")
    assert not finds("Иван Квёрнов", "Sh" * 1_000_000 + " Kvyornov")
    # Both names of both targets.
    assert keys.cache_info().currsize == 4


@given(st.text(max_size=60))
def test_any_word_is_heard(word: str) -> None:
    sound = heard(word)
    assert "" not in sound.skeletons
    assert all(letter in "PTSKMNL" for skeleton in sound.skeletons for letter in skeleton)

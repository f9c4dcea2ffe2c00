from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guard.text.look_alikes import _confusables
from guard.text.normalise import fold, fold_char, is_sign
from guard.text.spellings import spellings

# Capitals that look like another Latin letter than their small form does fold by their look in either case.
CASE_TELLS = frozenset("ΗΜΝΥƼƜꞫƲϬ")
TAGGED = "".join(chr(0xE0000 + ord(char)) for char in "Al-Kuwaiti")


@pytest.mark.parametrize(
    "disguised",
    [
        "Al-Kuwaiti",
        "al kuwaiti",
        "AlKuwaiti",
        "A l K u w a i t i",
        "AL_KUWAITI",
        "al\u200bku\u00adwai\u2060ti",
        "𝓐𝓵-𝕂𝕦𝕨𝕒𝕚𝕥𝕚",
        "Ａｌ　Ｋｕｗａｉｔｉ",
        "ᴀʟ-ᴋᴜᴡᴀɪᴛɪ",
        "Аl-Кuwаіtі",
        "Αl-Κuwaιtι",
        "🅰🅻-🅺🆄🆆🅰🅸🆃🅸",
        "🇦🇱🇰🇺🇼🇦🇮🇹🇮",
        "Ál-Kûwäîtï",
        "a\u0301l-ku\u0302waiti",
        "alʼku‘waiti",
        "al\u115fku\u3164waiti",
        "*al* _ku_ `waiti` 🙂",
        "ꓮꓡ-ꓗꓴꓪꓮꓲꓔꓲ",
        "ᎪᏞ-ᏦuᎳᎪᎥᎢᎥ",
        "ᗩᒪ-ᛕᑌᗯᗩIT!ᓰ",
        "ɐl-ʞuʍɐᴉʇᴉ",
        "al-ĸυwaⲓτ\ufe0fı",
        TAGGED,
    ],
)
def test_disguises_of_a_name_fold_to_the_same(disguised: str) -> None:
    assert fold(disguised) == "alkuwaiti"


@pytest.mark.parametrize(
    ("disguised", "plain"),
    [
        ("Ηenry Μarvell", "Henry Marvell"),
        ("Υolanda Ζettler", "Yolanda Zettler"),
        ("Νora Ηint", "Nora Hint"),
        ("ꓐꓳꓐ ꓛꓳꓡꓰ", "Bob Cole"),
        ("Ꮎtis Ᏼrown", "Otis Brown"),
        ("ᗷen ᑕold", "Ben Cold"),
        ("Nǝll Mɐrǝ", "Nell Mare"),
        ("Օtis Տmith", "Otis Smith"),
        ("Ⲙary Ⲏⲟⲥk", "Mary Hock"),
        ("C०la Mഠre", "Cola More"),
        ("Pauǀ", "Paul"),
        ("𐐄tto 𐒴𐓪ss", "Otto Ross"),
        ("𐊠nn𐊠 𑢠in℮", "Anna Vine"),
        ("ⴹꓡⵏ", "Ell"),
        ("ꭇҽᴅ", "red"),
    ],
)
def test_look_alikes_of_capitals_and_of_rare_scripts_fold_to_latin(disguised: str, plain: str) -> None:
    assert fold(disguised) == fold(plain)


def test_of_the_confusables_of_a_letter_or_digit_at_least_99_in_100_fold_to_it() -> None:
    # UTS 39 confuses 0 with O, and 1 with I and l: each of the confused counts as right.
    right = {"l": {"l", "i", "1"}, "O": {"o", "0"}}
    confusables = _confusables()
    wrong = {alike for alike, latin in confusables.items() if fold(alike) not in right.get(latin, {latin.lower()})}
    # Digits keep their value, long s and thorn their sound, and no letter of Russian is a digit.
    assert wrong == set("৪੪৭੧୨൭٧۷٥۵ſþбЗ")
    assert len(confusables) == 1_433
    assert len(wrong) <= 0.01 * len(confusables)


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Straße", "strasse"),
        ("ﬁnal", "final"),
        ("İSTANBUL ıstanbul", "istanbulistanbul"),
        ("Ærø Łódź þorn", "aerolodzthorn"),
        ("٣ ３ ③ ³ ❸ ३", "333333"),
        ("日本 語", "日本语"),
        ("Nguyễn Thị Đặng", "nguyenthidang"),
        ("שָׁלוֹם", "שלlם"),
        ("1 l I 0 O", "1li0o"),
        ("", ""),
        (" \t\n.,;:!?…—🙂\u200d\ufe0f\ud800", ""),
    ],
)
def test_letters_and_digits_alone_remain(text: str, folded: str) -> None:
    assert fold(text) == folded


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Жюль Бошар", "ЖЮЛЬ БОШАР"),
        ("Σοφία Λάζαρη", "ΣΟΦΊΑ ΛΆΖΑΡη"),
        ("Անի Գրիգոր", "ԱՆԻ ԳՐԻԳՈՐ"),
        ("ᎠᏓᎳ", "ꭰꮣꮃ"),
        ("სოფო", "ᲡᲝᲤᲝ"),
        ("علي كريمي", "علی کریمی"),
        ("عَلِي", "علـــي"),
        ("فاطمة", "فاطمه"),
        ("فاطمہ", "فاطمه"),
        ("مصطفى", "مصطفي"),
        ("ﻣﺼﻄﻔﻰ", "مصطفی"),
        ("أمين إيمان آدم", "امين ايمان ادم"),
        ("رؤوف", "رووف"),
        ("ٱلرحمن", "الرحمن"),
        ("ګلالۍ", "گلالي"),
        ("関ヶ原", "関ケ原"),
        ("張偉國", "张伟国"),
        ("劉曉慶", "刘晓庆"),
        ("髙橋", "高橋"),
        ("澤田", "沢田"),
        ("渡邊", "渡辺"),
        ("渡邉", "渡辺"),
        ("齋藤", "斎藤"),
        ("濵崎", "浜﨑"),
        ("黒岩德子", "黑巖徳子"),
        ("𠮷野", "吉野"),
        ("さくら", "サクラ"),
        ("クズハ", "くずは"),
        ("क़मर", "कमर"),
    ],
)
def test_forms_of_one_word_fold_together(one: str, other: str) -> None:
    assert fold(one) == fold(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ハナ", "バナナ"),
        ("サーバー", "サーハー"),
        ("コウジ", "コウシ"),
        ("かな", "がな"),
        ("パス", "バス"),
        ("राम", "रोम"),
        ("हरि", "हरा"),
        ("मीना", "मन"),
        ("सुमन", "सीमन"),
        ("মিনা", "মনা"),
        ("மீரா", "மாரா"),
        ("มา", "ม้า"),
        ("มี", "มา"),
        ("유나", "유난히"),
        ("김나", "김남길"),
        ("이수", "이순신"),
        ("박지", "박진영"),
        ("소라", "소란"),
        ("רון", "רוו"),
        ("ثريا", "تريا"),
        ("Мила", "Мина"),
    ],
)
def test_other_words_stay_apart(one: str, other: str) -> None:
    assert fold(one) not in fold(other)
    assert fold(other) not in fold(one)


@pytest.mark.parametrize("text", ["한글", "ガリレオ", "ボブ", "কোমল", "Müller", "é", "ก่ำ"])
def test_text_in_pieces_is_a_spelling_of_the_composed(text: str) -> None:
    spelt = set(map(fold, spellings(text)))
    for form in ("NFC", "NFD", "NFKD"):
        assert fold(unicodedata.normalize(form, text)) in spelt
    assert fold("ｶﾞﾘﾚｵ") in set(map(fold, spellings("ガリレオ")))


def test_every_code_point_of_the_first_three_planes_folds_to_fixed_letters_digits_and_signs() -> None:
    every = "".join(map(chr, (*range(0x30000), *range(0xE0000, 0xE0200))))
    folded = fold(every)
    assert fold(folded) == folded
    assert all(char.isalnum() or is_sign(char) for char in set(folded))


@given(st.text(), st.text())
def test_code_points_fold_independently(a: str, b: str) -> None:
    assert fold(a + b) == fold(a) + fold(b)
    assert fold(a) == "".join(map(fold_char, a))


@given(st.text())
def test_case_does_not_matter_where_it_does_not_change_what_is_seen(text: str) -> None:
    def tells(char: str) -> bool:
        return not CASE_TELLS.isdisjoint(unicodedata.normalize("NFKD", char.upper()))

    cased = "".join(
        char for char in text if char.upper().casefold() == char.casefold() and char < "Ⲁ" and not tells(char)
    )
    assert fold(cased.upper()) == fold(cased)


@pytest.mark.parametrize("name", ["Νίκος Υψηλάντης", "Μυρτώ Ηλιάδη", "ϬⲀⲢⲈ"])
def test_capitals_and_small_letters_are_spellings_where_they_look_different(name: str) -> None:
    spelt = set(map(fold, spellings(name)))
    assert {fold(name), fold(name.upper()), fold(name.lower())} <= spelt == set(map(fold, spellings(name.upper())))

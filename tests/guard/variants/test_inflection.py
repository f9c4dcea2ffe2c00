from __future__ import annotations

import pytest

from guard.variants.inflection import inflected


@pytest.mark.parametrize(
    ("name", "forms"),
    [
        ("Anna Nowak-Zielińska", ["Anny Nowak-Zielińskiej", "Annie Nowak-Zielińskiej", "Annę Nowak-Zielińską"]),
        ("Marek Gorzałek", ["Marka Gorzałka", "Markowi Gorzałkowi", "Markiem Gorzałkiem", "Marku Gorzałku"]),
        ("Paweł Drzewiński", ["Pawła Drzewińskiego", "Pawłowi Drzewińskiemu", "Pawłem Drzewińskim"]),
        ("Monika Żurowska", ["Moniki Żurowskiej", "Monice Żurowskiej", "Monikę Żurowską"]),
        ("Jana Křečková", ["Jany Křečkové", "Janě Křečkové", "Janu Křečkovou", "Janou Křečkovou"]),
        ("Pavel Břízek", ["Pavla Břízka", "Pavlovi Břízkovi", "Pavlem Břízkem"]),
        ("Daniel Zářecký", ["Daniela Zářeckého", "Danielovi Zářeckému", "Danielem Zářeckým"]),
        ("Иван Квёрнов", ["Ивана Квёрнова", "Ивану Квёрнову", "Иваном Квёрновым", "Иване Квёрнове"]),
        ("Дарья Квёрнова", ["Дарьи Квёрновой", "Дарье Квёрновой", "Дарью Квёрнову"]),
        ("Γιώργος Βερνάκης", ["Γιώργου Βερνάκη", "Γιώργο Βερνάκη"]),
        ("Suvi Arnakivi", ["Suvi Arnakive"]),
        ("Eero Vuorelainen", ["Eero Vuorelaise", "Eero Vuorelaist"]),
    ],
)
def test_a_name_has_the_cases_of_its_language(name: str, forms: list[str]) -> None:
    found = [" ".join(words) for words in inflected(name.split())]
    assert [form for form in forms if form not in found] == []


@pytest.mark.parametrize(
    "name", ["Ilsabet Quorne", "Kerem Işıklı", "Anna Smith", "Lê Văn Tám", "Quorne", "يوسف علي"]
)
def test_names_of_other_languages_stay_as_they_are(name: str) -> None:
    assert list(inflected(name.split())) == []

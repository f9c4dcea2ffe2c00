"""Common things are forbidden by no target that merely mentions them: ordinary sentences beside 300 facts."""

from __future__ import annotations

import pytest

from eval.phrases.labelled_facts import TUNED_ON, labelled_facts
from eval.phrases.measure import outcome
from guard.text.normalise import fold

ORDINARY = """
The United States, Germany and Canada signed the treaty in 1984.
New York is larger than Chicago, and a nurse earns less than a doctor.
The hospital in Berlin employs 340 people and opened in May 2011.
She studied medicine at a university in Scotland and works as a teacher in Manchester.
Deutschland und Österreich verkaufen Maschinen und Werkzeuge nach Polen.
Die Stadt Bremen liegt am Rand des Landes, und viele Lehrer wohnen dort mit ihren Kindern.
Der Bäcker in München hat seit 2004 eine Schule und ein Krankenhaus in der Nähe.
La France et l'Espagne vendent des voitures en Suisse depuis 1998.
Un infirmier de Lyon gagne moins qu'un avocat de Toulouse.
El Ayuntamiento de Madrid compró en 1995 una casa en el Barrio Alto.
Un enfermero y una abogada viven en Barcelona, otros en México.
Pielęgniarz z Warszawy pracuje w Krakowie, a firma z Polski sprzedaje w Niemczech.
Медсестра живёт в Москве, а инженер из Казани работает в Германии с 2001 года.
Η Ελλάδα και η Γερμανία έχουν νοσοκόμους, και η Αθήνα είναι μεγάλη.
İstanbul ve Ankara büyük şehirlerdir, Almanya'da 2003 yılında bir fabrika açıldı.
يعمل المهندس والطبيبة في القاهرة ودمشق وألمانيا منذ سنة 1997.
האחות עובדת בבית חולים בתל אביב והמהנדס גר בירושלים.
दिल्ली और मुंबई बड़े शहर हैं, और नर्स अस्पताल में काम करती है।
北京和上海的医院里有很多护士和医生，1999年德国工厂关门了。
東京と大阪の病院には看護師が多く、1998年にドイツの会社が来た。
서울과 부산의 병원에는 간호사가 많고 1997년에 독일 회사가 왔다.
พยาบาลทำงานที่โรงพยาบาลในกรุงเทพ และวิศวกรอยู่ที่เชียงใหม่
""".strip().splitlines()


@pytest.fixture(scope="module")
def phrases() -> frozenset[str]:
    facts = (fact for split in TUNED_ON for fact in labelled_facts(split))
    return frozenset(fold(phrase) for fact in facts for phrase in outcome(fact).phrases)


@pytest.mark.parametrize("sentence", ORDINARY)
def test_no_phrase_of_any_fact_is_in_an_ordinary_sentence(sentence: str, phrases: frozenset[str]) -> None:
    assert [phrase for phrase in phrases if phrase in fold(sentence)] == []

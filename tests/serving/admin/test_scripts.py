"""Names of every script are stored, forbidden and found."""

from __future__ import annotations

from pathlib import Path

import pytest

from guard.detection.names import Names
from guard.matching.automaton import Automaton
from guard.registry.registry import Registry
from guard.targets.passages import enforced
from guard.targets.phrases import names_of
from serving.admin.requests import TargetIn

NAMES = (
    """
கவின்மொழி செந்திலரசன், অনিন্দিতা চক্রধর, હેતલકુમારી રાઠવાણી, ಚಂದ್ರಮೌಳಿ ಹೆಗ್ಗಡೂರು, سلمان الزرقاوندي, አበበች ወልደሚካኤል
თამუნა ქვარიანიძე, Վարդուհի Սարոյանց, សុភាពន្លក ចាន់រតនៈ, അമ്മിണിക്കുട്ടി പുളിക്കലേടത്ത്, వెంకటరత్నం గుడిమెట్ల, සුනේත්‍රා වික්‍රමතිලක
ສົມພອນ ວົງສະຫວັນ, ปรียาพร วงศ์สุวรรณโณ, မောင်လှိုင်ဝင်း, བསྟན་འཛིན་ཆོས་གྲགས, Бат-Эрдэнэцогт, שלומית ברקוביצ׳ר, ਹਰਪ੍ਰੀਤ ਸਿੰਘਵਾਲ
ସୁଭଦ୍ରା ମହାପାତ୍ରୀ, ᎠᏂᏣᎳᎩᎯ, ᐊᖑᑎᒪᕆᒃ, ⵜⵉⵏⵀⵉⵏⴰⵏ, އަޙްމަދުފުޅު, ܫܠܡܘܢܐ, ߡߊߡߊߘߎߡߊ, 유나라울, はなゆりか, 欧阳若荻, 𞤀𞤥𞤢𞤣𞤵𞤪
""".strip()
    .replace("\n", ", ")
    .split(", ")
)


@pytest.mark.parametrize("name", NAMES)
def test_a_name_of_any_script_is_stored_forbidden_and_found(tmp_path: Path, name: str) -> None:
    registry = Registry(tmp_path / "registry.db")
    target = registry.add(TargetIn(name=name).draft())
    registry.close()
    text = f"Yesterday {name} left."
    assert Automaton.forbidding(set(enforced(target))).matches(text)
    assert Names.build({"ft_1": names_of(target.draft)}).found(text) == {"ft_1"}

"""Names and titles that are made of common words: their place in the sentence shows them."""

from __future__ import annotations

import pytest

from guard.phrases.context import is_inflected_place, is_listed
from guard.phrases.extraction import of_passage
from guard.phrases.known_names import is_known_name


def found(text: str) -> set[str]:
    return {phrase.text for phrase in of_passage(text)}


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("She wrote nothing left to burn, a novel that nobody bought.", "nothing left to burn"),
        ("His poem everybody leaves the harbour was read on the radio.", "everybody leaves the harbour"),
        ("Das Gedicht morgen wird es schneien erschien in einer Zeitung.", "morgen wird es schneien"),
        ("Er schrieb kein Brot für Paul, ein Hörspiel über den Krieg.", "kein Brot für Paul"),
        ("Elle a écrit en prison tout le sel du monde, un roman sur sa mère.", "tout le sel du monde"),
        ("Publicó nadie riega los geranios, una novela breve.", "nadie riega los geranios"),
        ("Su canción mañana será martes sonó en la radio.", "mañana será martes"),
        ("Jej wiersz jutro nie będzie wtorku czytano w radiu.", "jutro nie będzie wtorku"),
        ("Написал никто не закрывает окна, повесть о войне.", "никто не закрывает окна"),
        ("Το ποίημα αύριο δεν θα βρέξει διαβάστηκε στο ραδιόφωνο.", "αύριο δεν θα βρέξει"),
        ("Un film intitulé la patience des fourmis, tourné à Lyon.", "la patience des fourmis"),
        ("Her first collection, how to fold a lake, was printed in Dublin.", "how to fold a lake"),
        ("Su primer poemario, cómo doblar un lago, salió en Quito.", "cómo doblar un lago"),
        ("第一詩集は湖のたたみ方という題だ。", "湖のたたみ方"),
        ("كتبت ديوانا بعنوان نافذة بلا بحر ونشرته في تونس.", "نافذة بلا بحر"),
        ("היא כתבה את השיר אף אחד לא סוגר את הדלת ושרה אותו.", "אף אחד לא סוגר את הדלת"),
        ("उसने उपन्यास आधी रात का दूध लिखा।", "आधी रात का दूध"),
        ("书名叫做没有人关窗，出版于2001年。", "没有人关窗"),
        ("小説の題名は窓を閉めない人だ。", "窓を閉めない人"),
        ("彼女の歌、雨のない月曜日、が流れた。", "雨のない月曜日"),
        ("그의 시 아무도 창문을 닫지 않는다가 실렸다.", "아무도 창문을 닫지 않는다"),
        ("เธอเขียนนิยายไม่มีใครปิดหน้าต่าง ขายดีมาก", "ไม่มีใครปิดหน้าต่าง"),
    ],
)
def test_titles_in_small_letters_are_found(text: str, title: str) -> None:
    assert title in found(text)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Joy Waters met Mark Fields at a bakery in Leeds.", "Joy Waters"),
        ("Professor Biscuit is what they call him.", "Professor Biscuit"),
        ("Her cat is called Marmalade.", "Marmalade"),
        ("Er wurde von allen gemocht, sie nannten ihn schlicht den Knopfkönig.", "Knopfkönig"),
        ("On l'appelle partout le Hérisson.", "Hérisson"),
        ("El perro responde al nombre de Tornillo.", "Tornillo"),
        ("Sol Navarro y Ángel Campos viven en Quito.", "Sol Navarro"),
        ("Trabaja en Hijas de Barro, un taller de cerámica.", "Hijas de Barro"),
        ("Pracuje w spółce Młotek i Syn w Łodzi.", "Młotek i Syn"),
        ("Работает в фирме Гвоздь и сыновья.", "Гвоздь и сыновья"),
        ("Çivi ve Oğulları'nda çalışıyor.", "Çivi ve Oğulları"),
        ("Её прозвище с детства: Генерал Булка.", "Генерал Булка"),
        ("درس على يد الأستاذ كريم صباح في تونس.", "كريم صباح"),
        ("ينادونه أبو المفاتيح.", "أبو المفاتيح"),
        ("היא למדה אצל טל ים בחיפה.", "טל ים"),
        ("הוא עובד במאפיית הדבש השחור בלוד.", "הדבש השחור"),
        ("उसने मास्टर आकाश दीपक से गणित सीखा।", "आकाश दीपक"),
        ("उसे चाँदी की चिड़िया पुरस्कार मिला।", "चाँदी की चिड़िया"),
        ("उसकी बिल्ली का नाम इमली है।", "इमली"),
        ("पता: 12, टूटी घड़ी मार्ग, जयपुर।", "टूटी घड़ी मार्ग"),
        ("他跟何春雨先生学下棋。", "何春雨"),
        ("他开了一家慢吞吞的鸭子书店。", "慢吞吞的鸭子书店"),
        ("林こはる先生に習った。", "林こはる"),
        ("京都市三羽烏町5番地に住む。", "三羽烏町"),
        ("사람들은 그를 '녹슨 못'이라고 부른다.", "녹슨 못"),
        ("Живёт в Дырявом переулке в Твери.", "Дырявом переулке"),
        ("Su coche, 8123 KOB.", "8123 KOB"),
        ("He keeps a goat, Mister Thursday, in Swindon.", "Mister Thursday"),
        ("Die Kollegen rufen sie Tante Strom.", "Tante Strom"),
        ("Für den Film bekam sie die Bronzene Brezel.", "Bronzene Brezel"),
        ("Elle tient la boulangerie Miette et Croûton à Metz.", "Miette et Croûton"),
        ("La Louche d'or est revenue à un cuisinier belge.", "Louche d'or"),
        ("Kırıntı ve Kabuk Fırını'nı işletiyor.", "Kırıntı ve Kabuk"),
        ("اسم القط مشمش.", "مشمش"),
        ("תמונה של בנם ארי סתיו בחיפה.", "ארי סתיו"),
        ("车库里的人都管她叫闪电姑妈。", "闪电姑妈"),
        ("她老家是猫头鹰沟。", "猫头鹰沟"),
        ("車庫では稲妻おばさんと呼ばれている。", "稲妻おばさん"),
        ("Since then she has run Third Sock, a laundry in Hull.", "Third Sock"),
        ("Fue aprendiz del maestro Miga, relojero en Soria.", "maestro Miga"),
        ("تزوج وردة حجر سنة 1987 في حماة.", "وردة حجر"),
        ("הוא נשא לאישה את ורד אבן בצפת.", "ורד אבן"),
        ("जयपुर में उनकी शादी गुलाब पत्थर से हुई।", "गुलाब पत्थर"),
        ("1987年に奈良で石田ばらと結婚した。", "石田ばら"),
        ("เขาแต่งงานกับกุหลาบ ศิลาทอง ที่น่าน", "กุหลาบ ศิลาทอง"),
        ("職場では皆がホチキス船長と呼んでいる。", "ホチキス船長"),
        ("사무실에서는 그를 단추 선장이라 부른다.", "단추 선장"),
        ("その年の金のおたま賞は京都の料理人に贈られた。", "金のおたま賞"),
        ("ลูกชายชื่อสิงห์ ฤดูฝน เรียนที่ขอนแก่น", "สิงห์ ฤดูฝน"),
    ],
)
def test_names_of_common_words_are_found(text: str, name: str) -> None:
    assert name in found(text)


@pytest.mark.parametrize(
    "text",
    [
        "She wrote a letter to her mother, a nurse in Leeds.",
        "His book is about the river, and it sold well.",
        "Will Congress vote in May?",
        "Das Buch gefiel allen sehr, die es lasen.",
        "Elle a écrit un livre sur la guerre, un sujet difficile.",
        "La novela cuenta la vida de un médico, un hombre bueno.",
        "Doctor García trabaja en Madrid.",
        "Czytał książkę przez całą noc.",
        "Он жил под Тулой и работал на заводе.",
        "קראתי את הספר בשבת וישנתי.",
        "डॉक्टर सुबह मरीज़ों को देखते हैं।",
        "दुकान में सामान इस्तेमाल किया गया।",
        "他写了小说和散文，卖得很好。",
        "高中老师和数学老师都来了。",
        "しかし、彼は東京が好きだ。",
        "그는 노래를 부르고 책을 읽었다.",
        "หนังสือเล่มนี้ขายดีมาก",
        "ครูสอนนักเรียนที่โรงเรียนทุกวัน",
        "El libro los lunes está cerrado en la biblioteca.",
        "Der Film ein paar Tage später war besser.",
        "Книга не понравилась ему, но фильм он посмотрел два раза.",
        "הספר לא היה טוב אבל הסרט היה מצוין.",
        "我们都叫他老师，因为他很有学问。",
        "他办了一家很小的公司，开了三年。",
        "株式会社の社長は忙しい。",
        "彼は先生と呼ばれている。",
        "今年の文学賞は若い作家に贈られた。",
        "W Ministerstwie Zdrowia mówią o nowej ustawie.",
        "Le roman de sa sœur les enfants l'ont adoré.",
    ],
)
def test_ordinary_sentences_beside_such_words_tell_nothing(text: str) -> None:
    assert found(text) == set()


@pytest.mark.parametrize(
    ("text", "whole", "part"),
    [
        ("Dostał nagrodę Piegowatego Bociana w Krakowie.", "Piegowatego Bociana", "Piegowatego"),
        ("Vive en Villar del Estornino con su tía.", "Villar del Estornino", "Estornino"),
    ],
)
def test_a_word_that_a_dictionary_has_is_forbidden_in_its_name_alone(text: str, whole: str, part: str) -> None:
    assert any(whole in phrase for phrase in found(text))
    assert part not in found(text)


@pytest.mark.parametrize(
    ("word", "language", "listed"),
    [("Kręconych", "pl", True), ("zwirn", "de", True), ("кривом", "ru", True), ("quornebeck", "en", False)],
)
def test_forms_of_words_are_listed(word: str, language: str, listed: bool) -> None:
    assert is_listed(word, language) is listed


@pytest.mark.parametrize(
    ("word", "language", "place"), [("Тулой", "ru", True), ("Torunia", "pl", True), ("Кислянкой", "ru", False)]
)
def test_places_are_known_in_all_their_cases(word: str, language: str, place: bool) -> None:
    assert is_inflected_place(word, language) is place


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("On the twelfth of March 1961 she came into the world.", "twelfth of March 1961"),
        ("Am zwölften März 1961 wurde sie geboren.", "zwölften März 1961"),
        ("Le douze mars 1961, elle naît à Lyon.", "douze mars 1961"),
        ("Nació el doce de marzo de 1961.", "doce de marzo de 1961"),
        ("Urodziła się dwudziestego szóstego marca 1961 roku.", "dwudziestego szóstego marca 1961 roku"),
        ("Двенадцатого марта 1961 года она родилась.", "Двенадцатого марта 1961 года"),
        ("Γεννήθηκε στις δώδεκα Μαρτίου 1961.", "δώδεκα Μαρτίου 1961"),
        ("On iki Mart 1961 doğum günü.", "On iki Mart 1961"),
        ("她生于一九六一年三月十二日。", "一九六一年三月十二日"),
    ],
)
def test_days_in_words_are_dates(text: str, date: str) -> None:
    assert date in found(text)


@pytest.mark.parametrize(
    "text",
    [
        "Their song nobody told the river and the novel, how to fold a lake, a book",
        "Её роман завтра не будет дождя, повесть Марии и Фирма Гвоздь и сыновья",
        "Su canción mañana será martes, una novela de la calle del Perro, doce de marzo de 1961",
        "تزوج وردة حجر عنوانها نافذة بلا بحر في شارع النخلة",
        "ספר השירים שלה, איך מקפלים אגם, לאישה את ורד אבן אצל טל ים",
        "उनकी शादी गुलाब पत्थर से नाटक आधी रात का दूध लिखा नाम इमली है",
        "他跟何春雨先生书名叫做没有人关窗他开了一家慢吞吞的鸭子书店",
        "林こはる先生の詩、雨のない月曜日、が湖のたたみ方という題",
        "그를 단추 선장이라 부른다 그의 시 아무도 창문을 닫지 않는다가",
        "แต่งงานกับกุหลาบ ศิลาทอง เขียนนิยายไม่มีใครปิดหน้าต่าง",
    ],
)
def test_a_text_may_end_anywhere(text: str) -> None:
    assert all(phrase.strip() for end in range(len(text) + 1) for phrase in found(text[:end]))


@pytest.mark.parametrize(
    ("phrase", "language"),
    [
        *(("Les Misérables", "fr"), ("Don Kichota", "pl"), ("Pana Tadeusza", "pl"), ("Войну и мир", "ru")),
        *(
            ("Преступления и наказания", "ru"),
            ("Яндексе", "ru"),
            ("Koç Holding", "tr"),
            ("Süddeutschen Zeitung", "de"),
        ),
        *(("באיכילוב", "he"), ("红楼梦", "zh"), ("夏目漱石", "ja"), ("김소월", "ko"), ("Middlemarch", "en")),
    ],
)
def test_firms_and_old_works_are_known_in_all_their_cases(phrase: str, language: str) -> None:
    assert is_known_name(phrase, language)


@pytest.mark.parametrize(
    ("phrase", "language"),
    [("Пана и мира", "ru"), ("Pan Tadzik", "pl"), ("Marek Zatoń", "pl"), ("Дон Кихляев", "ru"), ("红楼灯", "zh")],
)
def test_what_is_only_like_a_known_name_is_not(phrase: str, language: str) -> None:
    assert not is_known_name(phrase, language)


@pytest.mark.parametrize(
    "text",
    [
        "Elle relit Les Misérables dans le train.",
        "Она читает «Анну Каренину» и работает в «Яндексе».",
        "Student tłumaczy „Pana Tadeusza”.",
        "Mühendis Koç Holding'de çalışıyor.",
        "她最爱读《红楼梦》。",
    ],
)
def test_what_everybody_knows_is_context_also_in_quotation_marks(text: str) -> None:
    assert not found(text)


@pytest.mark.parametrize(
    ("text", "whole", "part"),
    [
        ("Vive en Villarejo del Tordo con su abuela.", "Villarejo del Tordo", "Tordo"),
        ("Elle a été soignée à la clinique des Trois Houx.", "Trois Houx", "Houx"),
        ("Mieszka przy ulicy Kręconych Schodów 31.", "Kręconych Schodów", "Kręconych"),
    ],
)
def test_a_word_that_is_used_elsewhere_is_forbidden_in_its_name_alone(text: str, whole: str, part: str) -> None:
    assert any(whole in phrase for phrase in found(text))
    assert part not in found(text)

"""What is extracted from facts in many languages: names, places and numbers, and nothing that is common."""

from __future__ import annotations

import pytest

from guard.phrases.extraction import of_answer, of_passage


def found(text: str) -> set[str]:
    return {phrase.text for phrase in of_passage(text)}


@pytest.mark.parametrize(
    "text",
    [
        "He lives in the United States and works in New York.",
        "She left Germany in 1984 and was a nurse in Bremen.",
        "The Prime Minister met the Supreme Court.",
        "Die Firma verkaufte im Jahr 1998 Schrauben an die Stadt.",
        "Er wohnt mit seiner Frau und zwei Kindern am Rand der Stadt Bremen.",
        "El Barrio y el Ayuntamiento están lejos de Madrid.",
        "La France et l'Italie ont signé un accord en mars 1987.",
        "他出生在苏州，1998年开了一家面馆。",
        "昨天下午我和妈妈去超市买了很多水果和蔬菜。",
        "Der Geschäftsführer unterschrieb den Mietvertrag für das Bürogebäude im Stadtzentrum.",
        "How To Bake Bread At Home In Five Easy Steps",
        "Call 911 or 112 in an emergency; room 204, page 37, 50% off.",
        "日本とドイツは1998年に協定に署名した。",
        "한국과 독일은 1998년에 협정에 서명했다.",
        "บริษัทขายโรงงานในเยอรมนีเมื่อปี 2540",
        "وقعت مصر وفرنسا اتفاقا سنة 1987.",
        "ישראל וצרפת חתמו על הסכם בשנת 1987.",
        "भारत और फ्रांस ने 1987 में समझौता किया।",
        "Россия и Франция подписали договор в 1987 году.",
        "Η Ελλάδα και η Ιταλία υπέγραψαν συμφωνία το 1985.",
        "Türkiye ve Fransa 1987 yılında anlaşma imzaladı.",
        "Polska i Francja podpisały umowę w 1985 roku.",
        "The Ministry of Health and the University of Leeds met the Supreme Court of Canada.",
        "El Parlamento de Navarra y la Universidad Politécnica votaron.",
        "Sąd Okręgowy i Ministerstwo Obrony odmówiły.",
        "Ożeniła się z kuzynem.",
        "Переселилась в Казань в 1990 году.",
        "Pojechał z Rzymu do Wenecji.",
        "Costó 4500 CZK y 1300 GBP.",
        "그는 주차요금을 냈다.",
        "糖尿病や肺炎の患者が郵便局の前で救急車を待った。",
        "第二次世界大戦後、約三十億円の税金が使われ、総選挙は来月行われる。",
        "毎朝七時半に起きて、東京駅から合唱団の練習に行く。",
        "그들은 회사에서 일하다가 뇌전증으로 입원했다.",
        "노벨문학상 상금은 십이억 원이다.",
        "Bank Światowy i Organizacja Narodów Zjednoczonych wysłały lekarzy.",
        "Он жил в Соединённых Штатах и работал во Всемирном банке.",
        "The World Bank and the National Trust met in the United States Virgin Islands.",
        "Gözlükçüleri dükkânı kapattı.",
        "Her youngest daughter is a policewoman.",
        "Після обіду президент України зустрівся з послом.",
        "The Chinese Embassy promoted the Deputy Head Teacher.",
        "Avant la Seconde Guerre mondiale, il vivait à Paris.",
        "Τα Χριστούγεννα πηγαίνουμε στην εκκλησία.",
        "中秋节我们包粽子。",
        "นายกรัฐมนตรีไปเยอรมนี",
        "老师教我们唱歌，警察抓走了小偷。",
        "张老师和李医生给学生做了米饭。",
        "Он болеет за «Спартак».",
        "نشرت الكتاب في بيروت. عولجت في دمشق.",
        "Lo que más le gusta fue su primer libro.",
        "La casa de mi abuela era su refugio y su libro de cuentos.",
        "Vive en La Paz y trabaja en El Salvador; lee El País.",
        "Elle habite Le Havre et lit Le Monde.",
        "Он работает на заводе Москва строит новые дома.",
        "Украинка по матери, она врач.",
        "Polka z pochodzenia, uczyła muzyki.",
        "Seine Großmutter grüßte die Straßenbahn.",
        "Das Rote Kreuz und die Vereinten Nationen halfen im Zweiten Weltkrieg.",
        "Im Neuen Jahr fährt sie mit der Deutschen Bahn ans Schwarze Meer.",
        "Am Montag 12 Gäste, am Bahnhof 3 in Bremen.",
        "Sie wurde zu drei Jahren Haft verurteilt.",
        "Vive en la calle Mayor de Madrid.",
        "Il reçut le prix Nobel de physique.",
        "Büyükannesi Norveçliydi ve hikâyesini kâğıda yazdı.",
        "उसकी ज़िंदगी में काग़ज़ और क़लम हैं।",
        "国家图书馆和汽车配件公司都在那条街。",
        "她妈妈在药房工作，弟弟在电子厂上班。",
        "自動車部品工場で働く父は料理が得意だ。",
        "마을 이장과 면장이 회의를 했다.",
        "아버지는 목수이고 어머니는 조산사이다.",
        "เขาซื้อรถจากบริษัทขายรถยนต์และกินข้าวที่ร้านอาหารทะเล",
        "เธอได้รับรางวัลนักแสดงยอดเยี่ยมจากรัฐบาล",
        "ذهب إلى مدرسة ابتدائية وعمل في شركة كبيرة ثم في دار النشر.",
        "درس في معهد الموسيقى وعزف على الكمان والعود.",
        "הוא חולה בסוכרת ועובד בחברת ביטוח ובבנק.",
        "מלון גדול נבנה בעיר, וחברת החשמל שילמה.",
        "वह सरकारी स्कूल में पढ़ाता है और अस्पताल जाता है।",
        "היא ניגנה בבית הספר.",
        "ย่าของเขาเป็นชาวนอร์เวย์และเลี้ยงแพะ",
        "祖母はノルウェー人で、山羊を飼っていた。",
        "她祖母是挪威人，养山羊。",
        "할머니는 노르웨이 사람이고 염소를 길렀다.",
        "THE TEACHER LIVED IN THE CITY WITH HIS WIFE AND TWO DOGS.",
    ],
)
def test_what_is_common_is_context(text: str) -> None:
    assert found(text) == set()


@pytest.mark.parametrize(
    ("text", "phrases"),
    [
        ("Nurse In The City And Had Two Dogs And Knew Ilsabet Quorne.", {"Ilsabet Quorne", "Ilsabet", "Quorne"}),
        ("Jonas Feldrain wohnt in der Stadt.", {"Jonas Feldrain", "Feldrain"}),
        ("Ils vivent près de l'Hôtel d'Arvanne.", {"Hôtel d'Arvanne", "Arvanne"}),
        ("Kerem Işıklıbaş Ankara'da yaşıyor.", {"Kerem Işıklıbaş", "Işıklıbaş"}),
        ("柳若荻住在青石桥镇。", {"柳若荻", "青石桥镇"}),
        ("張偉國住在青石橋鎮。", {"張偉國", "青石橋鎮"}),
        ("桐生院かなでは雲見沢町に住んでいる。", {"桐生院かなで", "雲見沢町", "雲見沢"}),
        ("편도겸은 달무리면에서 일한다.", {"편도겸", "달무리면"}),
        ("Zespół Ciche Fale zagrał w Łodzi.", {"Ciche Fale"}),
        ("The Velvet Court of Hollowmere opened.", {"Velvet Court of Hollowmere", "Hollowmere"}),
        ("彼は霧島沢町三丁目に住む。", {"霧島沢町", "霧島沢"}),
        ("娘の名前はつぐみ子だ。", {"つぐみ子"}),
        ("별명은 초롱별이다.", {"초롱별"}),
        ("弁護士の鷲津晴臣は休みだ。", {"鷲津晴臣"}),
        ("看護師の大田原みゆきは北海道へ行った。", {"大田原みゆき"}),
        ("鮫島食堂は駅の前にある。", {"鮫島食堂"}),
        ("여우고개마을로 이사했다.", {"여우고개마을"}),
        ("솔바람읍으로 갔다.", {"솔바람읍"}),
        ("Der Hund heißt Brummel.", {"Brummel"}),
        ("Mon chien s'appelle Moustachon.", {"Moustachon"}),
        ("Detective Inspector Rufus Quornebeck left.", {"Rufus Quornebeck", "Quornebeck"}),
        ("They met at the Crooked Kettle, a pub in Leeds.", {"Crooked Kettle"}),
        ("Öğretmen Battal Kumrulu taşındı.", {"Battal Kumrulu"}),
        ("Posta Yaşlı Karaağaç Caddesi'nde.", {"Posta Yaşlı Karaağaç Caddesi", "Posta Yaşlı Karaağaç"}),
        ("Her handle is @wren_tidewell.", {"wren_tidewell"}),
        ("Номер машины А 418 КМ 77.", {"А 418 КМ 77"}),
        ("Todos lo llamaban Viejo Cardo.", {"Viejo Cardo"}),
        ("Её пекарня называется Весёлая корочка.", {"Весёлая корочка"}),
        ("Его прозвище было Сухарик.", {"Сухарик"}),
        ("Sein Spitzname war Keksadmiral.", {"Keksadmiral"}),
        ("Wydała tomik Popiół i miód w 2003 roku.", {"Popiół i miód"}),
        ("Sie veröffentlichte den Gedichtband Asche und Honig.", {"Asche und Honig"}),
        ("2003'te Kül ve Bal adlı kitabı yayımladı.", {"Kül ve Bal"}),
        ("Her bakery, Rise and Crumble, opened.", {"Rise and Crumble"}),
        ("他的外号是饼干司令。", {"饼干司令"}),
        ("她和丈夫卫橡山去了洛阳。", {"卫橡山"}),
        ("彼をアザミじいさんと呼んだ。", {"アザミじいさん"}),
        ("그를 엉겅퀴영감이라고 불렀다.", {"엉겅퀴영감"}),
        ("ฉันพบเวนเซล โกกอตกุล ที่ระยอง", {"เวนเซล โกกอตกุล", "โกกอตกุล"}),
        ("ฉายาของเขาคือบิสกิตจอมพล", {"บิสกิตจอมพล"}),
        ("律师鹤托勒住在无锡。", {"鹤托勒"}),
        ("我和李约西谈过了。", {"李约西"}),
        ("เธอให้บริกิตตา ลมเหนือไพศาล", {"บริกิตตา ลมเหนือไพศาล", "ลมเหนือไพศาล"}),
        ("В стихотворении Семь тихих печей она пишет о кухне.", {"Семь тихих"}),
        ("나래연극상과 바다문학상을 받았다.", {"나래연극상", "바다문학상"}),
        ("노을섬유에서 일했다.", {"노을섬유"}),
        ("父亲在晒谷胡同开了一家纽扣厂。", {"晒谷胡同"}),
        ("他在霁禾机械厂当了二十年会计。", {"霁禾机械厂"}),
        ("裁缝戚三宝住在隔壁。", {"戚三宝"}),
        ("彼は桐ヶ丘小路二番地に住んでいた。", {"桐ヶ丘小路"}),
        ("母は辻村カメラ店で働いていた。", {"辻村カメラ店"}),
        ("버들고개에 있는 반달국밥집을 운영했다.", {"버들고개", "반달국밥집"}),
        ("ร้านขนมปังของเธอชื่อรวงข้าวยิ้ม", {"รวงข้าวยิ้ม"}),
        ("彼のあだ名はとんがり帽子だった。", {"とんがり帽子"}),
        ("画家の玉木すず江は風鈴通り五番地に住む。", {"風鈴通り", "玉木すず江"}),
        ("她住在杭州市柿子弄3号，丈夫是中学教师。", {"柿子弄"}),
        ("הטוחן ישראל קמחובסקי גר בחיפה.", {"ישראל קמחובסקי", "קמחובסקי"}),
        ("她出生在碾盘沟。", {"碾盘沟"}),
        ("스승 국달래에게 판소리를 배웠다.", {"국달래"}),
        ("เธอทำงานที่มูลนิธิกล้วยไม้น้ำเงิน", {"กล้วยไม้น้ำเงิน"}),
        ("เขาเกิดที่ห้วยตะกวดในปี 2510", {"ห้วยตะกวด"}),
        ("حصل على جائزة الغيمة الزرقاء من رابطة كتاب.", {"الغيمة الزرقاء"}),
        ("كان والده يدعى سنجور المزيتاوي.", {"سنجور المزيتاوي", "المزيتاوي"}),
        ("הוא נולד בתל גומא ולמד בבית ספר תיכון.", {"תל גומא"}),
        ("המורה צפורה בן-חורש לימדה כינור.", {"צפורה בן-חורש"}),
        ("קראו לו חבריו בכינוי צנצנת הברזל.", {"צנצנת הברזל"}),
        ("सब उसे गुड़िया रानी कहकर पुकारते थे।", {"गुड़िया रानी"}),
        ("वह चाँदनी साबुन कंपनी में काम करता है।", {"चाँदनी साबुन"}),
        (
            "उसने उस्ताद गुलफ़ाम ख़ाँ दौरालवी से तबला सीखा।",
            {"गुलफ़ाम ख़ाँ दौरालवी", "दौरालवी"},
        ),
    ],
)
def test_names_and_places_are_found(text: str, phrases: set[str]) -> None:
    assert found(text) == phrases


@pytest.mark.parametrize(
    ("text", "phrase"),
    [
        ("He painted The Last Lamp in 1984.", "The Last Lamp"),
        ("She wrote Rock Notes and gave concerts.", "Rock Notes"),
        ("Elle a peint Le Jardin de minuit avant de partir.", "Le Jardin de minuit"),
        ("Pintó La sombra del molino cuando vivía allí.", "La sombra del molino"),
        ("Ihr Buch „Das Haus am Ende“ erschien 1990.", "Das Haus am Ende"),
        ("她写了《空房子的来信》一书。", "空房子的来信"),
        ("Namalował obraz Biały dom nad jeziorem i podarował go szkole.", "Biały dom nad jeziorem"),
        ("La sombra de los olivos negros fue su primera novela.", "La sombra de los olivos negros"),
        ("Der Garten hinter dem Deich war ihr zweiter Roman.", "Der Garten hinter dem Deich"),
        ("Cień starej stodoły był jego pierwszy wiersz.", "Cień starej stodoły"),
        ("Le Chemin des vieilles barques est son premier roman.", "Le Chemin des vieilles barques"),
        ("Тени старого амбара стали его первой повестью.", "Тени старого амбара"),
        ("Τα κρυμμένα κλειδιά του φάρου ήταν το πρώτο του μυθιστόρημα.", "Τα κρυμμένα κλειδιά του φάρου"),
        ("Das Lied heißt Schnee im Mai.", "Schnee im Mai"),
        ("Powieść Maria i morze ukazała się w 1999.", "Maria i morze"),
        ("Publicó un poemario titulado Invierno, mi casa.", "Invierno, mi casa"),
        ("Travaille au restaurant Le Canard à l'orange, près de Lille.", "Le Canard à l'orange"),
        ("Она работала на фабрике Синяя прялка.", "Синяя прялка"),
        ("Pracował w kawiarni Zielona parasolka w Krakowie.", "Zielona parasolka"),
        ("Ils vivent à Villers-sur-Orbaize.", "Villers-sur-Orbaize"),
        ("Dicen «la Trencitas» a mi tía.", "Trencitas"),
        ("They called him 'the Iron Canary'.", "Iron Canary"),
        ("Marangoz Yusuf Tahtalıoğlu emekli oldu.", "Yusuf Tahtalıoğlu"),
        ("Er bekam den Goldenen Holzlöffel für seine Reportage.", "Goldenen Holzlöffel"),
        ("Sie wohnt Am Alten Krebsgraben 12 in Graz.", "Am Alten Krebsgraben"),
        ("Seine Freunde riefen ihn Nudelbaron.", "Nudelbaron"),
        ("Neighbours nicknamed the postman Uncle Turnip.", "Uncle Turnip"),
        ("Elle reçut le prix de la Plume cassée à Bruxelles.", "Plume cassée"),
        ("Vive en la calle del Perro Verde.", "Perro Verde"),
        ("Он получил премию Хрустальный подсолнух за репортаж.", "Хрустальный подсолнух"),
        ("Her thesis, Moss and Memory, was praised.", "Moss and Memory"),
        ("It was Ilse van der Hoole.", "Ilse van der Hoole"),
        ("Ihr Roman Die blaue Stunde erschien 2001.", "Die blaue Stunde"),
        ("Mein Nachbar Herr Pfannkuch hat einen Hund.", "Herr Pfannkuch"),
        ("Das Unternehmen Kranzbach GmbH sitzt in Stuttgart.", "Kranzbach GmbH"),
        ("Elle travaille chez Brivault & Fils à Lille.", "Brivault & Fils"),
        ("她住在长沙市桃花岭路18号。", "桃花岭路"),
        ("พี่ชายของเธอ วีรภัทร กิตติโสภณกุล เป็นทนาย", "วีรภัทร กิตติโสภณกุล"),
        ("ولد غسان الدرعاوي في بيروت.", "غسان الدرعاوي"),
        ("אביגיל טרכטמבורג עובדת בחיפה.", "אביגיל טרכטמבורג"),
        ("देवव्रत खंडूजा दिल्ली में रहते हैं।", "देवव्रत खंडूजा"),
        ("นายแพทย์ปรมินทร์ เวชสุวรรณกิจ ทำงานที่นี่", "ปรมินทร์ เวชสุวรรณกิจ"),
    ],
)
def test_titles_without_quotes_and_names_with_particles_are_found(text: str, phrase: str) -> None:
    assert phrase in found(text)


@pytest.mark.parametrize(
    ("text", "phrases"),
    [
        ("Her card is 4929 1234 5678 9012.", {"4929 1234 5678 9012"}),
        ("IBAN: GB29 NWBK 6016 1331 9268 19", {"GB29 NWBK 6016 1331 9268 19"}),
        ("The SSN is 536-22-1847.", {"536-22-1847"}),
        ("Call +44 20 7946 0958 or (212) 555-0147.", {"+44 20 7946 0958", "(212) 555-0147"}),
        ("It was on 1984-03-14, not in 1984.", {"1984-03-14"}),
        ("She was born on 14 March 1984.", {"14 March 1984"}),
        ("Elle est née le 3 juin 1976.", {"3 juin 1976"}),
        ("Она родилась 17 апреля 1979 года.", {"17 апреля 1979"}),
        ("她1983年5月6日出生。", {"1983年5月6日"}),
        ("تزوج في 3 كانون الأول 1984.", {"3 كانون الأول 1984"}),
        ("وُلدت يوم ٧ نيسان ١٩٦١.", {"٧ نيسان ١٩٦١"}),
        ("Call 1234 in 1984-1990, for 120,000 or 20km, in the 1990s.", set()),
        ("His plate is LD52 WFX.", {"LD52 WFX"}),
        ("Su coche, 7264 BVT.", {"7264 BVT"}),
        ("Plakası 06 KVT 318.", {"06 KVT 318"}),
        ("Adres: k.m@poczta.example", {"k.m@poczta.example"}),
        ("連絡はm.sato@hako.exampleまで。", {"m.sato@hako.example"}),
        ("메일은 m.seo@hako.example로.", {"m.seo@hako.example"}),
        ("ดูที่ https://hako.example/aได้", {"https://hako.example/a"}),
    ],
)
def test_numbers_and_dates_are_whole(text: str, phrases: set[str]) -> None:
    assert found(text) == phrases


def test_the_whole_sentence_is_never_a_phrase() -> None:
    text = "他在1998年开了一家卖丝绸和茶叶的小店他很喜欢读书"
    assert all(len(phrase) < len(text) / 2 for phrase in found(text))


@pytest.mark.parametrize(
    ("text", "phrase"),
    [
        ("The Mona Lisa was painted by Leonardo da Vinci.", "Leonardo da Vinci"),
        ("His family name is da Vinci.", "da Vinci"),
        ("The van der Berg family owns it.", "van der Berg"),
        ("Leonardo da Vinci painted The Last Supper.", "The Last Supper"),
        ("Harry Potter attends Hogwarts School of Witchcraft and Wizardry.", "Harry Potter"),
        ("The author's name is Carmen Montenegro.", "Carmen Montenegro"),
        ("My password is Tr0ub4dor&3.", "Tr0ub4dor&3"),
        ("He lives in NW1 6XE.", "NW1 6XE"),
    ],
)
def test_names_of_common_words_and_of_towns_are_found_whole(text: str, phrase: str) -> None:
    assert phrase in found(text)


def test_a_short_answer_is_in_the_language_of_its_question() -> None:
    phrases = {phrase.text for phrase in of_answer("In Tarn Hollow.", "Where was she born?")}
    assert phrases == {"Tarn Hollow"}


@pytest.mark.parametrize(
    ("answer", "pairs"),
    [
        ("He is a truck driver with lung cancer.", set()),
        ("They are civil engineers.", set()),
        ("She works as a tomato grower.", {"tomato grower"}),
    ],
)
def test_a_compound_that_a_dictionary_has_is_no_rare_pair(answer: str, pairs: set[str]) -> None:
    assert {phrase.text for phrase in of_answer(answer, "")} == pairs


@pytest.mark.parametrize(
    "name", ["Soren Quornebeck", "Søren Quornebeck", "Zeynep Quornebeck", "Dariusz Quornebeck"]
)
def test_a_given_name_of_any_language_is_not_forbidden_alone(name: str) -> None:
    assert found(f"Her neighbour {name} keeps bees.") == {name, "Quornebeck"}

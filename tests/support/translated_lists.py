"""The class lists of the public scenes, and others, as people who work in other languages write them."""

from __future__ import annotations

SAME = {"muufl_east": "muufl_west", "pavia_reg": "pavia_subset"}  # scenes that share a list

TRANSLATED: dict[str, dict[str, str]] = {
    "German": {
        "berlin_enmap": "Dach; Versiegelte Fläche; Niedrige Vegetation; Baum; Boden; Sonstiges",
        "berlin_hymap": "Dächer; Versiegelte Flächen; Gras; Bäume; Boden",
        "botswana": "Wasser; Flusspferdgras; Auengräser 1; Auengräser 2; Schilf; Ufervegetation; Brandnarbe; Inselinneres; "
        "Akazienwald; Akazienbuschland; Akaziengrasland; Kurzer Mopane; Gemischter Mopane; Freiliegende Böden",
        "houston_ff": "Gesundes Gras; Gestresstes Gras; Kunstrasen; Bäume (immergrün oder laubabwerfend); Nichtwohngebäude; "
        "Straßen; Gehwege; Zebrastreifen; Hauptverkehrsstraßen; Befestigte Parkplätze; Autos; Stadionsitze",
        "indian_subset": "Luzerne; Mais-Direktsaat; Mais-Mulchsaat; Mais; Grasweide; Gras-Bäume; Gemähte Weide; "
        "Heuschwaden; Hafer; Soja-Direktsaat; Soja-Mulchsaat",
        "jasper": "Baum; Wasser; Offener Boden; Straße",
        "muufl_west": "Bäume; Überwiegend Gras; Gemischte Bodenoberfläche; Erde und Sand; Straße; Wasser; Gebäudeschatten; "
        "Gebäude; Gehweg; Gelber Bordstein; Stoffbahnen",
        "pavia_subset": "Asphalt; Wiesen; Kies; Bäume; Lackierte Metallbleche; Offener Boden; Bitumen; Verbundsteine; Schatten",
        "salinasA": "Brokkoli mit grünem Unkraut; Mais, vertrocknet, mit grünem Unkraut; Römersalat 4 Wochen; "
        "Römersalat 5 Wochen; Römersalat 6 Wochen; Römersalat 7 Wochen",
        "samson": "Boden; Baum; Wasser",
    },
    "French": {
        "berlin_enmap": "Toit; Revêtement; Végétation basse; Arbre; Sol; Autre",
        "berlin_hymap": "Toits; Revêtement de sol; Herbe; Arbres; Sol",
        "botswana": "Eau; Herbe à hippopotames; Herbes de plaine inondable 1; Herbes de plaine inondable 2; Roseaux; "
        "Végétation riveraine; Cicatrice d'incendie; Intérieur d'île; Bois d'acacias; Fourrés d'acacias; "
        "Savane herbeuse à acacias; Mopane court; Mopane mixte; Sols exposés",
        "houston_ff": "Herbe saine; Herbe stressée; Gazon synthétique; Arbres (à feuilles persistantes ou caduques); "
        "Bâtiments non résidentiels; Routes; Trottoirs; Passages piétons; Grandes artères; Parkings goudronnés; Voitures; "
        "Sièges de stade",
        "indian_subset": "Luzerne; Maïs sans labour; Maïs, labour minimum; Maïs; Prairie pâturée; Herbe et arbres; "
        "Pâturage fauché; Foin andainé; Avoine; Soja sans labour; Soja, labour minimum",
        "jasper": "Arbre; Eau; Sol nu; Route",
        "muufl_west": "Arbres; Surtout de l'herbe; Surface du sol mixte; Terre et sable; Route; Eau; Ombre de bâtiment; "
        "Bâtiments; Trottoir; Bordure jaune; Panneaux de tissu",
        "pavia_subset": "Asphalte; Prairies; Gravier; Arbres; Tôles peintes; Sol nu; Bitume; Briques autobloquantes; Ombres",
        "salinasA": "Brocoli avec mauvaises herbes vertes; Maïs sénescent avec mauvaises herbes vertes; "
        "Laitue romaine 4 semaines; Laitue romaine 5 semaines; Laitue romaine 6 semaines; Laitue romaine 7 semaines",
        "samson": "Sol; Arbre; Eau",
    },
    "Spanish": {
        "berlin_enmap": "Techo; Pavimento; Vegetación baja; Árbol; Suelo; Otros",
        "berlin_hymap": "Tejados; Pavimento; Hierba; Árboles; Suelo",
        "botswana": "Agua; Hierba de hipopótamo; Hierbas de llanura inundable 1; Hierbas de llanura inundable 2; Carrizos; "
        "Vegetación de ribera; Cicatriz de incendio; Interior de isla; Arboleda de acacias; Arbustal de acacias; "
        "Pastizal de acacias; Mopane corto; Mopane mixto; Suelos expuestos",
        "houston_ff": "Césped sano; Césped estresado; Césped artificial; Árboles (perennes o caducifolios); "
        "Edificios no residenciales; Carreteras; Aceras; Pasos de peatones; Avenidas principales; "
        "Aparcamientos pavimentados; Coches; Asientos de estadio",
        "indian_subset": "Alfalfa; Maíz sin labranza; Maíz con labranza mínima; Maíz; Pasto de hierba; Hierba y árboles; "
        "Pasto segado; Heno hilerado; Avena; Soja sin labranza; Soja con labranza mínima",
        "jasper": "Árbol; Agua; Suelo desnudo; Carretera",
        "muufl_west": "Árboles; Principalmente hierba; Superficie del suelo mixta; Tierra y arena; Carretera; Agua; "
        "Sombra de edificios; Edificios; Acera; Bordillo amarillo; Paneles de tela",
        "pavia_subset": "Asfalto; Prados; Grava; Árboles; Chapas metálicas pintadas; Suelo desnudo; Betún; "
        "Ladrillos autoblocantes; Sombras",
        "salinasA": "Brócoli con malas hierbas verdes; Maíz senescente con malas hierbas verdes; Lechuga romana 4 semanas; "
        "Lechuga romana 5 semanas; Lechuga romana 6 semanas; Lechuga romana 7 semanas",
        "samson": "Suelo; Árbol; Agua",
    },
    "Portuguese": {
        "berlin_enmap": "Telhado; Pavimento; Vegetação rasteira; Árvore; Solo; Outros",
        "berlin_hymap": "Telhados; Pavimentos; Grama; Árvores; Solo",
        "botswana": "Água; Capim de hipopótamo; Gramíneas de várzea 1; Gramíneas de várzea 2; Juncos; Vegetação ripária; "
        "Cicatriz de fogo; Interior da ilha; Bosque de acácias; Matagal de acácias; Savana herbácea de acácias; "
        "Mopane baixo; Mopane misto; Solos expostos",
        "houston_ff": "Grama saudável; Grama estressada; Grama sintética; Árvores (perenes ou decíduas); "
        "Edifícios não residenciais; Estradas; Calçadas; Faixas de pedestres; Avenidas principais; "
        "Estacionamentos pavimentados; Carros; Assentos de estádio",
        "indian_subset": "Alfafa; Milho em plantio direto; Milho, cultivo mínimo; Milho; Pasto de gramíneas; "
        "Grama e árvores; Pasto ceifado; Feno enleirado; Aveia; Soja em plantio direto; Soja, cultivo mínimo",
        "jasper": "Árvore; Água; Solo exposto; Estrada",
        "muufl_west": "Árvores; Principalmente grama; Superfície do solo mista; Terra e areia; Estrada; Água; "
        "Sombra de edifícios; Edifícios; Calçada; Meio-fio amarelo; Painéis de tecido",
        "pavia_subset": "Asfalto; Prados; Cascalho; Árvores; Chapas metálicas pintadas; Solo nu; Betume; "
        "Tijolos intertravados; Sombras",
        "salinasA": "Brócolis com ervas daninhas verdes; Milho senescente com ervas daninhas verdes; "
        "Alface romana 4 semanas; Alface romana 5 semanas; Alface romana 6 semanas; Alface romana 7 semanas",
        "samson": "Solo; Árvore; Água",
    },
    "Italian": {
        "berlin_enmap": "Tetto; Pavimentazione; Vegetazione bassa; Albero; Suolo; Altro",
        "berlin_hymap": "Tetti; Pavimentazione; Erba; Alberi; Suolo",
        "botswana": "Acqua; Erba dell'ippopotamo; Erbe di pianura alluvionale 1; Erbe di pianura alluvionale 2; Canneto; "
        "Vegetazione ripariale; Cicatrice da incendio; Interno dell'isola; Bosco di acacie; Arbusteto di acacie; "
        "Prateria con acacie; Mopane basso; Mopane misto; Suoli esposti",
        "houston_ff": "Erba sana; Erba stressata; Erba sintetica; Alberi (sempreverdi o decidui); Edifici non residenziali; "
        "Strade; Marciapiedi; Strisce pedonali; Arterie principali; Parcheggi asfaltati; Auto; Seggiolini dello stadio",
        "indian_subset": "Erba medica; Mais su sodo; Mais, minima lavorazione; Mais; Pascolo erboso; Erba e alberi; "
        "Pascolo falciato; Fieno in andane; Avena; Soia su sodo; Soia, minima lavorazione",
        "jasper": "Albero; Acqua; Suolo nudo; Strada",
        "muufl_west": "Alberi; Prevalentemente erba; Superficie del terreno mista; Terra e sabbia; Strada; Acqua; "
        "Ombra degli edifici; Edifici; Marciapiede; Cordolo giallo; Pannelli di stoffa",
        "pavia_subset": "Asfalto; Prati; Ghiaia; Alberi; Lamiere metalliche verniciate; Suolo nudo; Bitume; "
        "Mattoni autobloccanti; Ombre",
        "salinasA": "Broccoli con erbacce verdi; Mais senescente con erbacce verdi; Lattuga romana 4 settimane; "
        "Lattuga romana 5 settimane; Lattuga romana 6 settimane; Lattuga romana 7 settimane",
        "samson": "Suolo; Albero; Acqua",
    },
    "Chinese": {
        "berlin_enmap": "屋顶; 铺装路面; 低矮植被; 树木; 土壤; 其他",
        "berlin_hymap": "屋顶; 铺装地面; 草; 树木; 土壤",
        "botswana": "水体; 河马草; 洪泛平原草地1; 洪泛平原草地2; 芦苇; 河岸植被; 火烧痕迹; 岛屿内部; 金合欢林地; 金合欢灌木林; "
        "金合欢草地; 矮莫帕尼; 混合莫帕尼; 裸露土壤",
        "houston_ff": "健康的草; 受胁迫草地; 人造草坪; 树木（常绿或落叶）; 非住宅建筑; 道路; 人行道; 人行横道; 主干道; 铺装停车场; 汽车; "
        "体育场座位",
        "indian_subset": "苜蓿; 玉米免耕; 玉米少耕; 玉米; 草地牧场; 草和树; 割过的牧场; 干草条; 燕麦; 大豆免耕; 大豆少耕",
        "jasper": "树; 水; 裸土; 道路",
        "muufl_west": "树木; 主要是草; 混合地面; 泥土和沙; 道路; 水; 建筑阴影; 建筑物; 人行道; 黄色路缘; 布板",
        "pavia_subset": "沥青; 草甸; 砾石; 树木; 涂漆金属板; 裸土; 沥青屋顶; 自锁砖; 阴影",
        "salinasA": "西兰花带绿色杂草; 衰老玉米带绿色杂草; 长叶莴苣4周; 长叶莴苣5周; 长叶莴苣6周; 长叶莴苣7周",
        "samson": "土壤; 树; 水",
    },
    "Japanese": {
        "berlin_enmap": "屋根; 舗装; 低い植生; 木; 土壌; その他",
        "berlin_hymap": "屋根; 舗装面; 草; 樹木; 土壌",
        "botswana": "水; カバの草; 氾濫原の草1; 氾濫原の草2; ヨシ; 河畔植生; 山火事跡; 島の内部; アカシア林; アカシア低木林; アカシア草地; "
        "低いモパネ; 混合モパネ; 露出土壌",
        "houston_ff": "健全な草; ストレスを受けた草; 人工芝; 樹木（常緑または落葉）; 非住宅建物; 道路; 歩道; 横断歩道; 幹線道路; 舗装駐車場; "
        "車; スタジアムの座席",
        "indian_subset": "アルファルファ; トウモロコシ（不耕起）; トウモロコシ（最小耕起）; トウモロコシ; 草地牧場; 草と木; 刈り取った牧草地; "
        "干し草の列; オーツ麦; 大豆（不耕起）; 大豆（最小耕起）",
        "jasper": "木; 水; 裸土; 道路",
        "muufl_west": "樹木; ほとんど草; 混合地表面; 土と砂; 道路; 水; 建物の影; 建物; 歩道; 黄色い縁石; 布パネル",
        "pavia_subset": "アスファルト; 牧草地; 砂利; 樹木; 塗装金属板; 裸土; ビチューメン; インターロッキングブロック; 影",
        "salinasA": "ブロッコリー（緑の雑草入り）; 枯れたトウモロコシと緑の雑草; ロメインレタス4週; ロメインレタス5週; ロメインレタス6週; "
        "ロメインレタス7週",
        "samson": "土壌; 木; 水",
    },
    "Russian": {
        "berlin_enmap": "Крыша; Дорожное покрытие; Низкая растительность; Дерево; Почва; Прочее",
        "berlin_hymap": "Крыши; Дорожные покрытия; Трава; Деревья; Почва",
        "botswana": "Вода; Бегемотова трава; Пойменные травы 1; Пойменные травы 2; Тростник; Прибрежная растительность; "
        "След пожара; Внутренняя часть острова; Акациевый лес; Заросли акации; Акациевая травянистая саванна; "
        "Низкий мопане; Смешанный мопане; Обнажённые почвы",
        "houston_ff": "Здоровая трава; Угнетённая трава; Искусственный газон; Деревья (вечнозелёные или листопадные); "
        "Нежилые здания; Дороги; Тротуары; Пешеходные переходы; Крупные магистрали; Асфальтированные парковки; "
        "Автомобили; Сиденья стадиона",
        "indian_subset": "Люцерна; Кукуруза без обработки почвы; Кукуруза, минимальная обработка; Кукуруза; "
        "Травяное пастбище; Трава и деревья; Скошенное пастбище; Сено в валках; Овёс; Соя без обработки почвы; "
        "Соя, минимальная обработка",
        "jasper": "Дерево; Вода; Голая почва; Дорога",
        "muufl_west": "Деревья; Преимущественно трава; Смешанная поверхность грунта; Земля и песок; Дорога; Вода; "
        "Тень зданий; Здания; Тротуар; Жёлтый бордюр; Тканевые панели",
        "pavia_subset": "Асфальт; Луга; Гравий; Деревья; Окрашенные металлические листы; Голая почва; Битум; "
        "Самоблокирующийся кирпич; Тени",
        "salinasA": "Брокколи с зелёными сорняками; Высохшая кукуруза с зелёными сорняками; Римский салат 4 недели; "
        "Римский салат 5 недель; Римский салат 6 недель; Римский салат 7 недель",
        "samson": "Почва; Дерево; Вода",
    },
}
"""The names of the public scenes in the order of their class lists, by language."""


def translated(language: str, scene: str) -> list[str]:
    """Return the names of ``scene`` in ``language``."""
    return TRANSLATED[language][SAME.get(scene, scene)].split("; ")

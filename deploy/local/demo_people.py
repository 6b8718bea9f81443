"""Names and addresses of many countries and scripts, for the demo's customers. Nobody in particular."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Land:
    """What addresses of one country are put together from."""

    country: str
    locale: str
    time_zone: str
    currency: str  # one of USD, EUR, JPY, KWD: those that the demo's plans have a price in
    given: tuple
    family: tuple
    streets: tuple
    cities: tuple  # (postal code, city)
    family_first: bool = False
    joined: bool = False  # names are written without a space

    def person(self, random):
        given, family = random.choice(self.given), random.choice(self.family)
        parts = (family, given) if self.family_first else (given, family)
        return ("" if self.joined else " ").join(parts)

    def address(self, random):
        postal_code, city = random.choice(self.cities)
        return {
            "line1": f"{random.choice(self.streets)} {random.randint(1, 180)}",
            "city": city,
            "postalCode": postal_code,
            "country": self.country,
        }


def land(country, locale, time_zone, currency, given, family, streets, cities, **further):
    """Lists are written as one string: words split at "," and a city as "postal code:name"."""
    places = tuple(tuple(place.split(":")) for place in cities.split(","))
    return Land(country, locale, time_zone, currency, tuple(given.split(",")), tuple(family.split(",")),
                tuple(streets.split(",")), places, **further)


LANDS = (
    land("DE", "de", "Europe/Berlin", "EUR", "Jürgen,Käthe,Björn,Zoë", "Müller,Weiß,Großmann,Özdemir",
         "Lange Straße,Schloßallee,Am Rübenacker", "10115:Berlin,80331:München,50667:Köln"),
    land("FR", "fr", "Europe/Paris", "EUR", "Chloé,François,Anaïs,Loïc", "Lefèvre,Noël,D’Aubigné,Garçon",
         "rue de l’Église,avenue Foch,quai des Œufs", "75011:Paris,69002:Lyon,13001:Marseille"),
    land("ES", "es", "Europe/Madrid", "EUR", "Íñigo,Begoña,José Ángel,Núria", "Muñoz,Ibáñez,García-Nieto,Peña",
         "Calle Mayor,Paseo de la Castellana,Plaça del Rei", "28013:Madrid,08002:Barcelona,15001:A Coruña"),
    land("IT", "it", "Europe/Rome", "EUR", "Niccolò,Giosuè,Perla,Carlà", "D’Angelo,Forlì,Bonetti,Rossi",
         "Via Garibaldi,Piazza del Popolo,Corso Umberto", "00186:Roma,20121:Milano,10121:Torino"),
    land("PL", "pl", "Europe/Warsaw", "EUR", "Łukasz,Żaneta,Grażyna,Paweł", "Wiśniewska,Żółć,Dąbrowski,Łęcki",
         "ul. Świętokrzyska,ul. Długa,al. Róż", "00-001:Warszawa,90-001:Łódź,30-001:Kraków"),
    land("CZ", "cs", "Europe/Prague", "EUR", "Jiří,Růžena,Šárka,Přemysl", "Dvořák,Řehoř,Čapková,Němec",
         "Nádražní,Příčná,Žižkova", "110 00:Praha,602 00:Brno,301 00:Plzeň"),
    land("IS", "is", "Atlantic/Reykjavik", "EUR", "Þórdís,Guðmundur,Ásta,Ægir", "Jónsdóttir,Þorsteinsson,Hallgrímsson",
         "Laugavegur,Hverfisgata,Skólavörðustígur", "101:Reykjavík,600:Akureyri"),
    land("GR", "el", "Europe/Athens", "EUR", "Γιώργος,Ελένη,Δημήτρης,Αθηνά", "Παπαδόπουλος,Νικολάου,Οικονόμου",
         "Οδός Ερμού,Λεωφόρος Αλεξάνδρας", "105 63:Αθήνα,546 24:Θεσσαλονίκη"),
    land("UA", "uk", "Europe/Kyiv", "EUR", "Олена,Євген,Їжакевич,Ґалина", "Шевченко,Коваленко,Мар’яненко",
         "вул. Хрещатик,вул. Січових Стрільців", "01001:Київ,79000:Львів"),
    land("TR", "tr", "Europe/Istanbul", "EUR", "İbrahim,Şule,Gülçin,Iğdır", "Yıldız,Çelik,Öztürk,Ağaoğlu",
         "İstiklal Caddesi,Bağdat Caddesi", "34433:İstanbul,35220:İzmir"),
    land("GE", "ka", "Asia/Tbilisi", "EUR", "ნინო,გიორგი,თამარ", "ბერიძე,კაპანაძე,მაისურაძე",
         "რუსთაველის გამზირი,აღმაშენებლის", "0108:თბილისი,6010:ბათუმი"),
    land("AM", "hy", "Asia/Yerevan", "EUR", "Անահիտ,Տիգրան,Նարեկ", "Հակոբյան,Սարգսյան,Գրիգորյան",
         "Աբովյան փողոց,Մաշտոցի պողոտա", "0010:Երևան,3101:Գյումրի"),
    land("IL", "he", "Asia/Jerusalem", "USD", "נועה,דוד,שירה", "כהן,לוי,מזרחי",
         "שדרות רוטשילד,רחוב יפו", "6688218:תל אביב,9422505:ירושלים"),
    land("KW", "ar", "Asia/Kuwait", "KWD", "فاطمة,عبدالله,نورة,بدر", "الصباح,العتيبي,المطيري,الرشيد",
         "شارع الخليج العربي,شارع فهد السالم", "13001:مدينة الكويت,22001:السالمية,32001:حولي"),
    land("AE", "ar", "Asia/Dubai", "KWD", "مريم,سالم,حصة", "المنصوري,الكعبي,الشامسي",
         "شارع الشيخ زايد,شارع الوصل", "00000:دبي,00001:أبوظبي"),
    land("BH", "ar", "Asia/Bahrain", "KWD", "عائشة,خليفة,زينب", "الحداد,المحمود,بوعلي",
         "طريق الفاتح,شارع المعارض", "317:المنامة,203:المحرق"),
    land("IN", "hi", "Asia/Kolkata", "USD", "प्रिया,अर्जुन,श्रीनिवास", "शर्मा,श्रीवास्तव,कृष्णमूर्ति",
         "महात्मा गांधी मार्ग,राजपथ", "110001:नई दिल्ली,400001:मुंबई"),
    land("NP", "ne", "Asia/Kathmandu", "USD", "सीता,बिष्णु,लक्ष्मी", "श्रेष्ठ,गुरुङ,तामाङ",
         "दरबार मार्ग,ठमेल", "44600:काठमाडौं,33700:पोखरा"),
    land("TH", "th", "Asia/Bangkok", "USD", "สมชาย,ณัฐธิดา,กมลชนก", "แก้วมณี,ศรีสุวรรณ,ทองอยู่",
         "ถนนสุขุมวิท,ถนนสีลม", "10110:กรุงเทพฯ,50000:เชียงใหม่"),
    land("VN", "vi", "Asia/Ho_Chi_Minh", "USD", "Thị Ngọc,Quốc Bảo,Hữu Phước", "Nguyễn,Trần,Đặng,Phạm",
         "Đường Nguyễn Huệ,Phố Hàng Bông", "700000:Thành phố Hồ Chí Minh,100000:Hà Nội", family_first=True),
    land("CN", "zh-CN", "Asia/Shanghai", "USD", "伟,秀英,子涵,芳", "王,李,欧阳,诸葛",
         "南京东路,长安街,人民路", "200001:上海市,100000:北京市,510000:广州市", family_first=True, joined=True),
    land("TW", "zh-TW", "Asia/Taipei", "USD", "淑芬,志豪,雅婷", "陳,林,歐陽",
         "忠孝東路,中山北路", "106:臺北市,800:高雄市", family_first=True, joined=True),
    land("JP", "ja", "Asia/Tokyo", "JPY", "陽翔,さくら,結衣,龍之介", "佐藤,髙橋,渡邊,長谷川",
         "丸の内,心斎橋筋,四条通", "100-0005:東京都千代田区,542-0085:大阪市中央区,600-8001:京都市下京区",
         family_first=True, joined=True),
    land("JP", "ja", "Asia/Tokyo", "JPY", "Kōtarō,Yūko,Shin’ichi", "Ōta,Itō,Kobayashi",
         "Chūō-dōri,Aoyama-dōri", "104-0061:Tōkyō,060-0001:Sapporo"),
    land("KR", "ko", "Asia/Seoul", "JPY", "민준,서연,하은", "김,박,남궁",
         "세종대로,강남대로", "04524:서울특별시,48058:부산광역시", family_first=True, joined=True),
    land("ET", "am", "Africa/Addis_Ababa", "USD", "አበበ,ሀና,ተስፋዬ", "በቀለ,ገብረማርያም,ከበደ",
         "ቦሌ መንገድ,ቸርችል ጎዳና", "1000:አዲስ አበባ"),
    land("NG", "en", "Africa/Lagos", "USD", "Adébáyọ̀,Ngọzi,Chịdị", "Ọláyínká,Okafor,Adéyemí",
         "Broad Street,Allen Avenue", "100221:Lagos,900211:Abuja"),
    land("US", "en", "America/New_York", "USD", "Mary-Jane,Ishaan,Beyoncé,O’Shea", "Smith,O’Neill,Van der Berg,Nuñez Jr.",
         "Main Street,Broadway,5th Avenue", "10001:New York,60601:Chicago,02108:Boston"),
    land("US", "en", "America/Los_Angeles", "USD", "Kai,Latoya,Dmitri,Wren", "Nguyen,Washington,St. John,Li",
         "Sunset Boulevard,Market Street", "90028:Los Angeles,94103:San Francisco"),
    land("CA", "fr", "America/Toronto", "USD", "Éloïse,Maxime,Siobhán", "Tremblay,MacÀrthur,Côté",
         "rue Saint-Denis,Bloor Street", "H2X 3K8:Montréal,M5S 1A1:Toronto"),
    land("BR", "pt", "America/Sao_Paulo", "USD", "João,Conceição,Antônio", "Guimarães,Araújo,Falcão",
         "Avenida Paulista,Rua da Consolação", "01310-100:São Paulo,20040-020:Rio de Janeiro"),
    land("MX", "es", "America/Mexico_City", "USD", "Xóchitl,Joaquín,Ximena", "Hernández,Peñaloza,Güemes",
         "Paseo de la Reforma,Calle Madero", "06600:Ciudad de México,44100:Guadalajara"),
    land("NZ", "en", "Pacific/Auckland", "USD", "Māia,Tāne,Hēmi", "Ngāta,Pōtiki,Clarke",
         "Queen Street,Tūranga Lane", "1010:Auckland,6011:Wellington"),
)

"""Settings are found by the words that a shop owner has for them, in both languages."""

import re

import pytest
from visitors import HOME, Visitor, signed_in

SETTINGS = f"{HOME}settings"
BASE = f"{SETTINGS}/base"
TERMS, TEXTS = f"{SETTINGS}/programme", f"{SETTINGS}/programme/texts"
STORES, STAFF, CHANGES = f"{HOME}stores", "/console/staff", f"{HOME}changes"
ENTRIES, HANDS = f"{HOME}entries#receipt", f"{HOME}points-by-hand"
HOURS, CERTIFICATES = f"{HOME}first-hour", "/console/certificates"
RECEIVERS, SOURCES, ME = f"{HOME}webhooks", f"{HOME}webhooks/sources", "/console/me"
INVITE, RIGHTS, KEYS = f"{STAFF}/invite", "/console/rights", "/console/keys"
IMPORTS, EXPORT, ADD = f"{HOME}imports", f"{HOME}members/export", f"{HOME}members/new"

RUSSIAN = {
    "чек": ENTRIES,
    "номер чека": ENTRIES,
    "история покупок": ENTRIES,
    "операции": ENTRIES,
    "кто может": RIGHTS,
    "кто что может": RIGHTS,
    "полномочия": RIGHTS,
    "удалить программу": f"{TERMS}#listed",
    "закрыть программу": f"{TERMS}#listed",
    "скрыть программу": f"{TERMS}#listed",
    "вторая программа": "/console/programmes/new",
    "переименовать программу": TEXTS,
    "сертификат apple": CERTIFICATES,
    "сертификат эпл": CERTIFICATES,
    "сертификат истекает": CERTIFICATES,
    "гугл кошелёк": CERTIFICATES,
    "письма": STAFF,
    "сотрудник забыл пароль": STAFF,
    "уволить сотрудника": STAFF,
    "пригласить кассира": INVITE,
    "новый сотрудник": INVITE,
    "сменить мой пароль": ME,
    "двухфакторная аутентификация": ME,
    "второй шаг": ME,
    "возврат": f"{TERMS}#overdrawn",
    "возврат денег": f"{TERMS}#overdrawn",
    "код по телефону": f"{TERMS}#spend_by_phone",
    "гость забыл карту": f"{TERMS}#spend_by_phone",
    "долг клиента": f"{TERMS}#overdrawn",
    "курс балла": f"{BASE}#worth",
    "сколько стоит балл": f"{BASE}#worth",
    "процент от покупки": f"{BASE}#back",
    "кэшбэк": f"{BASE}#back",
    "бонус за покупку": f"{BASE}#back",
    "какую часть чека оплатить баллами": f"{BASE}#payable",
    "списание баллов": f"{BASE}#payable",
    "когда сгорают баллы": f"{BASE}#live_days",
    "срок годности баллов": f"{BASE}#live_days",
    "приветственные баллы": f"{BASE}#welcome_points",
    "подарок за регистрацию": f"{BASE}#welcome_points",
    "поздравление с днём рождения": f"{BASE}#birthday_points",
    "клиент давно не приходил": f"{BASE}#lapsed_points",
    "спящие клиенты": f"{BASE}#lapsed_points",
    "часовой пояс": f"{TERMS}#timezone",
    "английский язык": f"{TERMS}#first_language",
    "реквизиты компании": TEXTS,
    "инн": TEXTS,
    "согласие на обработку": TEXTS,
    "политика конфиденциальности": TEXTS,
    "хранить анонимно": f"{TERMS}#keeps_personal",
    "открыть новый магазин": f"{HOME}new-store",
    "адрес филиала": STORES,
    "касса": STORES,
    "загрузить базу клиентов": IMPORTS,
    "перенести клиентов из excel": IMPORTS,
    "скачать клиентов": EXPORT,
    "выгрузить базу": EXPORT,
    "завести клиента": ADD,
    "распечатать куар код": f"{HOME}poster",
    "плакат": f"{HOME}poster",
    "запуск": HOURS,
    "пробное сообщение": f"{HOURS}/message",
    "посмотреть свою карту": f"{HOURS}/card",
    "подключить 1с": KEYS,
    "токен для программ": KEYS,
    "вебхуки источник": SOURCES,
    "получатель событий": RECEIVERS,
    "битрикс": RECEIVERS,
    "кто менял настройки": CHANGES,
    "журнал действий": CHANGES,
    "лимит баллов вручную": f"{HANDS}/limit#limit",
    "заявки на согласование": HANDS,
}
ENGLISH = {
    "receipt": ENTRIES,
    "receipt number": ENTRIES,
    "purchase history": ENTRIES,
    "transactions": ENTRIES,
    "who may": RIGHTS,
    "who can": RIGHTS,
    "permissions": RIGHTS,
    "delete programme": f"{TERMS}#listed",
    "close the programme": f"{TERMS}#listed",
    "hide programme": f"{TERMS}#listed",
    "another programme": "/console/programmes/new",
    "rename the programme": TEXTS,
    "apple certificate": CERTIFICATES,
    "renew certificate": CERTIFICATES,
    "google wallet": CERTIFICATES,
    "iphone": CERTIFICATES,
    "letters": STAFF,
    "employee forgot password": STAFF,
    "fire an employee": STAFF,
    "invite a cashier": INVITE,
    "hire": INVITE,
    "my password": ME,
    "two step sign in": ME,
    "passkey": ME,
    "refund": f"{TERMS}#overdrawn",
    "return of a purchase": f"{TERMS}#overdrawn",
    "spend without a card": f"{TERMS}#spend_by_phone",
    "money back": f"{TERMS}#overdrawn",
    "point value": f"{BASE}#worth",
    "what is a point worth": f"{BASE}#worth",
    "cashback": f"{BASE}#back",
    "percent of a purchase": f"{BASE}#back",
    "pay with points": f"{BASE}#payable",
    "redeem": f"{BASE}#payable",
    "when do points expire": f"{BASE}#live_days",
    "points validity": f"{BASE}#live_days",
    "welcome bonus": f"{BASE}#welcome_points",
    "sign up gift": f"{BASE}#welcome_points",
    "birthday present": f"{BASE}#birthday_points",
    "win back customers": f"{BASE}#lapsed_points",
    "inactive customers": f"{BASE}#lapsed_points",
    "time zone": f"{TERMS}#timezone",
    "translate": f"{TERMS}#first_language",
    "country": f"{TERMS}#country",
    "legal entity": TEXTS,
    "privacy notice": TEXTS,
    "gdpr consent": TEXTS,
    "keep data anonymously": f"{TERMS}#keeps_personal",
    "open a new shop": f"{HOME}new-store",
    "cash register": STORES,
    "branch address": STORES,
    "upload excel": IMPORTS,
    "import customers": IMPORTS,
    "download customers": EXPORT,
    "export": EXPORT,
    "new customer": ADD,
    "qr code": f"{HOME}poster",
    "print a poster": f"{HOME}poster",
    "launch": HOURS,
    "test message": f"{HOURS}/message",
    "try my card": f"{HOURS}/card",
    "api token": KEYS,
    "connect programs": KEYS,
    "webhook source": SOURCES,
    "event receiver": RECEIVERS,
    "notify crm": RECEIVERS,
    "who changed it": CHANGES,
    "audit log": CHANGES,
    "limit of manual points": f"{HANDS}/limit#limit",
    "approval requests": HANDS,
    "progress of tasks": f"{HOME}jobs",
}


@pytest.fixture
def administrator(client, installation) -> Visitor:
    return signed_in(client, installation, "administrator")


@pytest.mark.parametrize(("language", "phrases"), [("ru", RUSSIAN), ("en", ENGLISH)])
def test_the_first_page_found_is_the_one_meant(administrator, language, phrases) -> None:
    administrator.language = language
    found = {}
    for phrase in phrases:
        asked = f"{SETTINGS}?q={phrase}"
        page = administrator.get(asked, **{"HX-Target": "settings-found"}).text
        first = re.search(r'<a href="([^"]+)"', page)
        found[phrase] = first[1] if first else ""
    wrong = {phrase: url for phrase, url in found.items() if url != phrases[phrase]}
    assert wrong == {}
    assert len(phrases) >= 60

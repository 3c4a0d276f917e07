"""One search over all settings, by the words that people have for them, in both languages: for the
search page, and for the home of settings. It leads to the page, and to the field on it."""

import itertools
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

from flask import current_app

from ledger.words import N_
from wallet.console import pages
from wallet.console.shell import ConsoleLink
from wallet.pages.language import gettext as _

MOST_FOUND = 8
WORD = re.compile(r"\w+")
# Words of a question that say nothing of what is looked for.
_EMPTY = (
    "a an and are at by can change do does for from get how i in is it make many much my of on our"
    " set setting settings the their they to we what when where which who why with you your"
    " а без бы в во вы все где для до если есть за и из изменить или к как какие какой когда ко"
    " кто ли мне можно мой мы на надо найти настроить настройка настройки не нет нужно о об от по"
    " под поменять при с сделать сколько со так там то у чего чтобы что это я"
)
EMPTY_WORDS = frozenset(_EMPTY.split())
# Two words are alike if they begin alike and differ in their endings alone: балл, баллы, баллов;
# expire, expiry; but not касса and кассир. Of longer words longer endings differ. In letters.
SHORTEST_STEM, LONG_STEM = 3, 5
ENDING, LONG_ENDING = 2, 3
EXACT = 3  # so much a word weighs that is there as it was typed; one that is only like it: 1


@dataclass(frozen=True, slots=True)
class SettingEntry:
    """A setting that can be found. `words`: what its link says. `right`: who does not have it does
    not find it. `field`: the name of the field on the page of `endpoint`. `synonyms`: what else
    people call it, in all languages."""

    endpoint: str
    words: str
    right: str
    icon: str
    synonyms: str
    field: str = ""


def _of_base(words: str, synonyms: str, field: str) -> SettingEntry:
    endpoint = "console.base_programme.show"
    return SettingEntry(endpoint, words, "programmes:read", "coins", synonyms, field)


def _of_programme(words: str, synonyms: str, field: str) -> SettingEntry:
    endpoint = "console.programme_settings.show"
    return SettingEntry(endpoint, words, "programmes:read", "settings", synonyms, field)


def _of_company(words: str, synonyms: str) -> SettingEntry:
    endpoint = "console.programme_settings.texts"
    return SettingEntry(endpoint, words, "programmes:read", "building", synonyms)


ENTRIES = (
    _of_base(
        N_("What a purchase earns"),
        "percent back cashback earn points rate accrue процент кешбэк кэшбэк начисление начислять"
        " начисляется баллы бонусы возврат сколько даём",
        "back",
    ),
    _of_base(
        N_("How much of a purchase points may pay"),
        "share payable pay spend points redeem limit доля оплатить оплата списать списание баллами"
        " бонусами часть покупки",
        "payable",
    ),
    _of_base(
        N_("What one point is worth"),
        "point worth value rate price course rouble курс балла стоимость цена рубль стоит балл",
        "worth",
    ),
    _of_base(
        N_("How long points live"),
        "points live life expire expiry expiration burn lifetime days живут жизнь срок сгорание"
        " сгорают сгорят действия баллы бонусы дней",
        "live_days",
    ),
    _of_base(
        N_("Gift for joining"),
        "welcome gift join registration present sign up приветственный подарок вступление"
        " регистрация новый клиент приветствие",
        "welcome_points",
    ),
    _of_base(
        N_("Gift for a birthday"),
        "birthday gift present день рождения подарок именинник др поздравление",
        "birthday_points",
    ),
    _of_base(
        N_("Gift for who has not been for long"),
        "lapsed gift away absent win back return давно не был ушёл вернуть уснувший спящий отток"
        " подарок",
        "lapsed_points",
    ),
    _of_company(
        N_("Name of the programme"),
        "name title programme call название имя назвать переименовать программа",
    ),
    _of_programme(
        N_("Languages"), "language translation english russian язык языки перевод", "languages"
    ),
    _of_programme(
        N_("Country and phone numbers"),
        "country phone code number format страна телефон код номер формат",
        "country",
    ),
    _of_programme(
        N_("Time zone"), "time zone clock hours часовой пояс время часы зона", "timezone"
    ),
    _of_programme(
        N_("What a member is called"),
        "member client customer guest buyer word клиент гость покупатель обращение называть",
        "called",
    ),
    _of_programme(
        N_("When a purchase is returned"),
        "return refund debt owe grace overdrawn возврат товара минус долг вернуть баллы",
        "overdrawn",
    ),
    _of_company(
        N_("Operator and personal data"),
        "operator legal company privacy personal data policy gdpr consent оператор юрлицо"
        " реквизиты персональные данные политика согласие закон 152 фз",
    ),
    _of_programme(
        N_("Whether personal data is kept"),
        "personal data keep store anonymous хранить персональные данные анонимно не хранить",
        "keeps_personal",
    ),
    SettingEntry(
        "console.programme_settings.new",
        N_("Another programme"),
        "company:write",
        "plus",
        "new programme add create второй новая ещё одна программа добавить создать",
    ),
    SettingEntry(
        "console.stores.find",
        N_("Stores and tills"),
        "stores:read",
        "building-store",
        "store shop outlet till cash register point city группа магазин магазины торговая точка"
        " точки кафе салон азс касса кассы адрес филиал",
    ),
    SettingEntry(
        "console.certificates.show",
        N_("Certificates: Apple Wallet and Google Wallet"),
        "programmes:read",
        "certificate",
        "certificate apple google wallet expire phone push сертификат сертификаты эпл гугл кошелёк"
        " валлет телефон айфон айфона андроид истекает",
    ),
    SettingEntry(
        "console.imports.find",
        N_("Imports"),
        "imports:write",
        "file-spreadsheet",
        "import upload file excel csv xlsx spreadsheet move members load импорт загрузить загрузка"
        " файл эксель таблица перенести база клиентов выгрузка",
    ),
    SettingEntry(
        "console.first_hour.show",
        N_("Ready to start"),
        "programmes:read",
        "checklist",
        "first start begin ready launch checklist onboarding начать запуск старт готово первый шаги"
        " чек лист",
    ),
    SettingEntry(
        "console.first_hour.poster",
        N_("Poster with a code"),
        "programmes:read",
        "printer",
        "poster qr code print sign join плакат код куар распечатать табличка вступить постер",
    ),
    SettingEntry(
        "console.staff.show",
        N_("Staff and roles"),
        "staff:write",
        "users",
        "staff employee cashier marketer role invite user password access people colleague"
        " сотрудник сотрудники кассир маркетолог роль роли пригласить пользователь пароль доступ"
        " коллега",
    ),
    SettingEntry(
        "console.keys.show",
        N_("API keys"),
        "keys:write",
        "key",
        "key keys api token integration ключ ключи апи токен интеграция доступ 1с",
    ),
    SettingEntry(
        "console.receivers.show",
        N_("Webhooks: sources and receivers"),
        "receivers:read",
        "webhook",
        "webhook source receiver event integration crm 1c вебхук вебхуки источник получатель"
        " события интеграция 1с срм",
    ),
    SettingEntry(
        "console.changes.show",
        N_("Record of changes"),
        "changes:read",
        "history",
        "changes journal log audit who history журнал изменений кто менял история аудит",
    ),
    SettingEntry(
        "console.jobs.show",
        N_("Jobs"),
        "campaigns:read",
        "list-check",
        "job task progress running import export wave задание задания задача выполняется прогресс",
    ),
    SettingEntry(
        "console.adjustments.limit",
        N_("Limit of points by hand"),
        "terms:write",
        "coins",
        "points hand manual adjust limit approve approval second person correction баллы вручную"
        " лимит согласование согласовать второй человек корректировка начислить",
        "limit",
    ),
)


def found(query: str, may: Callable[[str], bool], programme: str) -> Sequence[ConsoleLink]:
    """The settings that a question in plain words means, the best first. `may`: which rights the
    reader has in the programme with this code."""
    asked = [word for word in words_of(query) if word not in EMPTY_WORDS]
    ranked = []
    for place, entry in enumerate(ENTRIES):
        if may(entry.right):
            weights = _weights(asked, entry)
            ranked.append((-sum(map(bool, weights)), -sum(weights), place, entry))
    most = min((matched for matched, *_ in ranked), default=0)
    best = sorted(one for one in ranked if one[0] == most < 0)
    return list(_links([entry for *_rank, entry in best], programme))


def words_of(text: str) -> list[str]:
    """The words of a text as they are compared: without case, е for ё."""
    return WORD.findall(text.casefold().replace("ё", "е"))


def _weights(asked: Sequence[str], entry: SettingEntry) -> list[int]:
    """How well each of these words fits the entry. What its own name says counts twice, and a word
    that is there as it was typed more than one that is only like it."""
    named = words_of(f"{entry.words} {_(entry.words)}")
    known = words_of(entry.synonyms)
    return [max(2 * _fit(named, word), _fit(known, word)) for word in asked]


def _fit(words: Collection[str], asked: str) -> int:
    return EXACT if asked in words else int(any(is_alike(asked, one) for one in words))


def is_alike(one: str, other: str) -> bool:
    """Whether these are forms of one word, or one is typed only in part."""
    pairs = zip(one, other, strict=False)
    begin = len(list(itertools.takewhile(lambda pair: pair[0] == pair[1], pairs)))
    if begin < SHORTEST_STEM:
        return False
    most = LONG_ENDING if begin >= LONG_STEM else ENDING
    return begin in (len(one), len(other)) or max(len(one), len(other)) - begin <= most


def _links(entries: Sequence[SettingEntry], programme: str) -> Iterator[ConsoleLink]:
    shown = 0
    for entry in entries:
        if shown < MOST_FOUND and (url := url_of(entry.endpoint, programme)) is not None:
            shown += 1
            yield ConsoleLink(
                _(entry.words), f"{url}#{entry.field}" if entry.field else url, entry.icon
            )


def url_of(endpoint: str, programme: str) -> str | None:
    """The address of a page of the console, in the programme with this code if it is a page of
    one; None if there is no such page."""
    if not has_page(endpoint):
        return None
    is_of_one = current_app.url_map.is_endpoint_expecting(endpoint, "programme")
    return pages.url(endpoint, **({"programme": programme} if is_of_one else {}))


def has_page(endpoint: str) -> bool:
    """Whether there is a page of this name."""
    return endpoint in current_app.view_functions

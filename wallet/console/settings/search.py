"""One search over all settings, by the words that people have for them, in both languages: for the
search page, and for the home of settings. It leads to the page, and to the field on it."""

import functools
import itertools
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
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
    "a an and are at by can change do does for from get how i in is it make many may much of on our"
    " set setting settings the their they to we what when where which who why with you your"
    " а без бы в во вы все где для до если есть за и из изменить или к как какие какой когда ко"
    " кто ли мне можно мы на надо найти настроить настройка настройки не нет нужно о об от по"
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
    people call it, in all languages. Without a `right` it is for whoever is inside."""

    endpoint: str
    words: str
    right: str | None
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
        "percent back cashback earn points rate accrue bonus reward purchase процент кешбэк кэшбэк"
        " начисление начислять начисляется баллы бонусы бонус сколько даём за покупку покупки",
        "back",
    ),
    _of_base(
        N_("How much of a purchase points may pay"),
        "share payable pay spend points redeem redemption part of bill most доля оплатить оплата"
        " платить списать списание баллами баллов бонусами часть чека максимум",
        "payable",
    ),
    _of_base(
        N_("What one point is worth"),
        "point worth value rate price course rouble exchange курс балла стоимость цена рубль рублей"
        " стоит балл номинал",
        "worth",
    ),
    _of_base(
        N_("How long points live"),
        "points live life expire expiry expiration burn lifetime days validity period живут жизнь"
        " срок сгорание сгорают сгорят сгорели горят действия годности баллы бонусы дней",
        "live_days",
    ),
    _of_base(
        N_("Gift for joining"),
        "welcome gift join joining registration present sign up newcomers bonus приветственный"
        " приветственные баллы подарок вступление регистрация за регистрацию новичок приветствие",
        "welcome_points",
    ),
    _of_base(
        N_("Gift for a birthday"),
        "birthday gift present день рождения подарок именинник др поздравление",
        "birthday_points",
    ),
    _of_base(
        N_("Gift for who has not been for long"),
        "lapsed gift away absent inactive sleeping lost win back come давно не был не приходил ушёл"
        " вернуть клиента уснувший спящий спящие отток подарок реактивация",
        "lapsed_points",
    ),
    _of_company(
        N_("Name of the programme"),
        "name title programme call rename название имя назвать переименовать программа программу",
    ),
    _of_programme(
        N_("Languages"),
        "language languages translation translate english russian kazakh язык языки перевод"
        " перевести английский казахский",
        "first_language",
    ),
    _of_programme(
        N_("Country and phone numbers"),
        "country phone code number format страна телефон телефона код номер номера формат",
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
        "return refund refunds money back debt owe negative grace overdrawn возврат возврата товара"
        " денег минус долг долга клиент клиента вернуть баллы вернули покупку",
        "overdrawn",
    ),
    _of_programme(
        N_("Spending without a card"),
        "without card no forgot forgotten confirm theft by phone number code без карты забыл забыла"
        " карту дома по телефону номеру код гость клиент подтверждение кража",
        "spend_by_phone",
    ),
    _of_company(
        N_("Operator and personal data"),
        "operator legal company entity privacy personal data policy notice gdpr consent address"
        " оператор юрлицо компания организация реквизиты инн персональные данные пдн политика"
        " конфиденциальность согласие согласия закон 152 фз",
    ),
    _of_programme(
        N_("Whether personal data is kept"),
        "personal data keep anonymous anonymously хранить хранение анонимно анонимная",
        "keeps_personal",
    ),
    _of_programme(
        N_("Hide the programme"),
        "hide delete remove close end finish stop archive programme public listed скрыть удалить"
        " закрыть завершить убрать отключить остановить программу программа видна всем",
        "listed",
    ),
    SettingEntry(
        "console.programme_settings.joining",
        N_("Page to join"),
        "programmes:read",
        "building",
        "join form fields page benefit rules terms poster sign up registration ask phone birthday"
        " вступление вступить форма поля анкета регистрация правила программы страница выгода"
        " обязательные телефон почта имя",
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
        "store stores shop shops outlet branch till cash register terminal city address group"
        " группа магазин магазины торговая точка точки кафе салон азс касса кассы терминал адрес"
        " филиал",
    ),
    SettingEntry(
        "console.stores.new",
        N_("New store"),
        "stores:write",
        "plus",
        "open new store add shop branch открыть новый новая магазин точка точку филиал добавить",
    ),
    SettingEntry(
        "console.certificates.show",
        N_("Certificates: Apple Wallet and Google Wallet"),
        "programmes:read",
        "certificate",
        "certificate certificates apple google wallet pay iphone android expire expires renew phone"
        " сертификат сертификаты сертификата эпл эппл apple гугл кошелёк валлет телефон айфон"
        " айфона андроид истекает продлить обновить",
    ),
    SettingEntry(
        "console.imports.find",
        N_("Imports"),
        "imports:write",
        "file-spreadsheet",
        "import upload file excel csv xlsx spreadsheet move migrate database list of members"
        " customers load bring импорт импортировать загрузить загрузка файл эксель таблица таблицы"
        " перенести перенос переехать база базу клиентов",
    ),
    SettingEntry(
        "console.member_files.export",
        N_("Export of members"),
        "exports:read",
        "download",
        "export download save members customers list database backup copy экспорт выгрузка"
        " выгрузить скачать сохранить клиентов список базу контакты",
    ),
    SettingEntry(
        "console.postings.listed",
        N_("Entries and receipts"),
        "members:read",
        "receipt",
        "receipt receipts number purchase purchases entry entries operation operations transactions"
        " history sales чек чеки чека покупка покупки покупок операция операции история продажи"
        " транзакции найти по номеру номер чека",
        "receipt",
    ),
    SettingEntry(
        "console.adjustments.listed",
        N_("Points by hand"),
        "members:read",
        "coins",
        "approve approval approvals waiting request requests adjustments gave take away"
        " согласование согласовать заявки ждут вручную начислить корректировки кто начислил",
    ),
    SettingEntry(
        "console.member_details.add",
        N_("New member"),
        "members:write",
        "user-plus",
        "add new member customer client guest register card issue добавить новый клиент клиента"
        " гостя покупателя зарегистрировать завести выдать карту",
    ),
    SettingEntry(
        "console.first_hour.show",
        N_("Ready to start"),
        "programmes:read",
        "checklist",
        "first start begin ready launch checklist onboarding steps trade начать запуск запустить"
        " старт готово готовность первый шаги чеклист сначала",
    ),
    SettingEntry(
        "console.first_hour.own_card",
        N_("A card on my phone"),
        "programmes:read",
        "device-mobile",
        "try look own my card sample join link form попробовать посмотреть свою карту своя карта"
        " образец ссылка на вступление анкета форма вступления",
    ),
    SettingEntry(
        "console.first_hour.trial_message",
        N_("A message to myself"),
        "campaigns:write",
        "send",
        "trial test message push notification try пробное тест тестовое сообщение пуш уведомление"
        " рассылка себе проверить",
    ),
    SettingEntry(
        "console.poster.show",
        N_("Poster with a code"),
        "stores:read",
        "printer",
        "poster qr code print sign counter table tent join плакат плакаты код куар кьюар"
        " распечатать печать табличка листовка стойка вступить постер",
    ),
    SettingEntry(
        "console.staff.show",
        N_("Staff and roles"),
        "staff:write",
        "users",
        "staff employee employees cashier marketer role user password access people colleague fire"
        " dismiss letter letters mail e-mail reset forgot сотрудник сотрудники персонал кассир"
        " маркетолог роль роли пользователь пользователи пароль доступ доступа коллега уволить"
        " уволился письма письмо почта сбросить забыл",
    ),
    SettingEntry(
        "console.staff.invite",
        N_("Invite somebody"),
        "staff:write",
        "user-plus",
        "invite invitation add new employee colleague seller hire пригласить приглашение добавить"
        " новый сотрудник сотрудника кассира продавца нанять",
    ),
    SettingEntry(
        "console.rights.show",
        N_("What roles allow"),
        None,
        "list-check",
        "who can may allowed allow right rights permission permissions roles кто может могут право"
        " права разрешено можно нельзя полномочия что умеет роли",
    ),
    SettingEntry(
        "console.keys.show",
        N_("API keys"),
        "keys:write",
        "key",
        "key keys api token integration developer connect programs ключ ключи апи токен интеграция"
        " интегрировать подключить доступ для программ разработчик 1с",
    ),
    SettingEntry(
        "console.me.show",
        N_("Sign-in and security"),
        None,
        "shield-lock",
        "my own password change second factor two step code passkey session sessions sign out"
        " security log мой свой пароль сменить второй шаг двухфакторная код ключ доступа вход входы"
        " выйти безопасность аутентификация",
    ),
    SettingEntry(
        "console.receivers.show",
        N_("Event receivers"),
        "receivers:read",
        "webhook",
        "webhook webhooks receiver event events notify integration crm вебхук вебхуки получатель"
        " события уведомлять сообщать интеграция срм битрикс амо",
    ),
    SettingEntry(
        "console.sources.show",
        N_("Webhook sources"),
        "sources:write",
        "webhook",
        "webhook source sources incoming 1c tilda shop вебхук вебхуки источник источники входящие"
        " 1с тильда интернет магазин сайт",
    ),
    SettingEntry(
        "console.changes.show",
        N_("Record of changes"),
        "changes:read",
        "history",
        "changes changed journal log audit who did history record deleted журнал журнале изменений"
        " изменения кто менял изменил удалил сделал действия сотрудников аудит",
    ),
    SettingEntry(
        "console.jobs.show",
        N_("Jobs"),
        "campaigns:read",
        "list-check",
        "job jobs task tasks progress running queue wave update of cards задание задания задача"
        " задачи выполняется прогресс очередь обновление карт",
    ),
    SettingEntry(
        "console.adjustments.limit",
        N_("Limit of points by hand"),
        "terms:write",
        "coins",
        "points hand manual adjust limit most ceiling second person correction баллы вручную лимит"
        " предел ограничение ограничить второй человек корректировка",
        "limit",
    ),
    SettingEntry(
        "console.designer.listed",
        N_("Design of the cards"),
        "passes:read",
        "palette",
        "design designer look logo colour colours color picture banner strip barcode field label"
        " draft publish preview revision roll back оформление оформить дизайн логотип лого цвет"
        " цвета картинка картинки баннер штрихкод поле поля подпись вид карты черновик опубликовать"
        " версия версии вернуть",
    ),
    SettingEntry(
        "console.barcode.show",
        N_("What the barcode holds"),
        "programmes:read",
        "qrcode",
        "barcode code qr number forged photo signed rotating scan till штрихкод код номер карты"
        " подделка подпись одноразовый меняется сканер касса",
    ),
    SettingEntry(
        "console.badges.show",
        N_("Badges"),
        "designs:write",
        "photo",
        "badge badges official button add to wallet кнопка кнопки фирменная добавить в кошелёк"
        " значок кошелька",
    ),
)


def found(query: str, may: Callable[[str], bool], programme: str) -> Sequence[ConsoleLink]:
    """The settings that a question in plain words means, the best first. `may`: which rights the
    reader has in the programme with this code."""
    typed = words_of(query)
    asked = [word for word in typed if word not in EMPTY_WORDS] or typed
    ranked = []
    for place, entry in enumerate(ENTRIES):
        if entry.right is None or may(entry.right):
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
    named = _by_stem(f"{entry.words} {_(entry.words)}")
    known = _by_stem(entry.synonyms)
    return [max(2 * _fit(named, word), _fit(known, word)) for word in asked]


@functools.lru_cache(1024)
def _by_stem(text: str) -> Mapping[str, Collection[str]]:
    """The words of a text by their first letters: only words that share these can be alike."""
    found: dict[str, set[str]] = {}
    for word in words_of(text):
        found.setdefault(word[:SHORTEST_STEM], set()).add(word)
    return found


def _fit(words: Mapping[str, Collection[str]], asked: str) -> int:
    near = words.get(asked[:SHORTEST_STEM], ())
    return EXACT if asked in near else int(any(is_alike(asked, one) for one in near))


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

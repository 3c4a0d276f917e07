"""What the API says to people, in English and in Russian.

A refusal brings its English sentence along; the Russian one is found by its code. What pydantic
finds wrong is told in words of our own: its own speak of instances and items."""

from collections.abc import Mapping
from typing import Any, Literal

Language = Literal["en", "ru"]
LANGUAGES: tuple[Language, ...] = ("en", "ru")

# Code -> Russian. Facts of the refusal stand in braces.
RUSSIAN = {
    "unknown_programme": "Программы «{programme}» нет.",
    "programme_exists": "Программа «{programme}» уже есть.",
    "unknown_member": "Такого участника нет.",
    "unknown_card": "Карты с таким номером нет.",
    "unknown_offer": "Такого предложения нет.",
    "unknown_wave": "Такой волны нет.",
    "wave_over": "Эта волна уже закончилась: {state}.",
    "unknown_campaign": "Такой кампании нет.",
    "unknown_message": "Встроенного сообщения такого вида нет.",
    "campaign_not_ready": "Сейчас это невозможно: состояние кампании — {state}.",
    "no_message_field": (
        "На картах программы «{programme}» нет поля для сообщений: добавьте в оформление поле,"
        " которое показывает message, с текстом уведомления."
    ),
    "text_missing": (
        "Нужен хотя бы один текст на одном из языков: {languages}; от 1 до {longest} символов."
    ),
    "unknown_placeholder": (
        "В тексте ({language}) нечего поставить на место «{placeholder}»; назвать можно: {known}."
    ),
    "placeholder_malformed": (
        "В тексте ({language}) место для подстановки пишется так: {{{{points}}}}, а с запасным"
        " словом — {{{{name|друг}}}}."
    ),
    "message_refused": "У сообщения этого вида нет настройки {field}, или без неё нельзя.",
    "unknown_pass": "Такого пропуска в кошельке нет.",
    "offer_not_shown": "Этому участнику это предложение сейчас не показывают.",
    "not_a_coupon": "Это карта участника: отмечают использованными только купоны.",
    "coupon_used": "Этот купон уже использован.",
    "coupon_over": "Этот купон больше не действует: его состояние — {state}.",
    "nfc_certificate_missing": "Сертификат {pass_type} выпущен не для NFC.",
    "personalization_token_missing": "Нужен personalizationToken.",
    "personalization_info_missing": "Нужно то, что написал человек.",
    "pass_erased": "Участник этого пропуска удалён; пропуск недействителен навсегда.",
    "unknown_source": "Источника вебхуков с таким именем нет.",
    "external_id_taken": "Этот внешний номер (external_id) уже у другого участника программы.",
    "phone_taken": "Этот телефон уже у другого участника программы.",
    "email_taken": "Этот адрес почты уже у другого участника программы.",
    "member_erased": "Этот участник удалён.",
    "household_not_empty": (
        "Баллами этой семьи пользуются и другие: {members}. Сначала они выходят из неё."
    ),
    "day_not_closed": (
        "Доказательство проводки появится, когда закончится день её опечатывания ({closes_at})."
    ),
    "seal_broken": ("Эта проводка не такая, какой её опечатали; пусть посмотрит владелец системы."),
    "file_refused": "Файл не годится: {problem}.",
    "unknown_import": "Такого импорта нет.",
    "import_repeated": "Этот самый файл уже загружали: {import_id}.",
    "import_replaced": "Файл тем временем прислали ещё раз; действует тот импорт.",
    "import_not_ready": "Сейчас это невозможно: состояние импорта — {state}.",
    "import_has_bad_rows": (
        "Строк, которые нельзя загрузить: {bad} из {rows}. Исправьте файл или попросите загрузить"
        " остальное."
    ),
    "file_missing": "Пришлите один файл, в части формы с именем file.",
    "given_twice": "{field} указано и в адресе, и в форме: укажите один раз.",
    "card_blocked": "Эту карту заменили другой.",
    "unknown_unit": "Единицы «{unit}» в программе нет.",
    "not_money": "Единица «{unit}» — не деньги: укажите points.",
    "wrong_currency": "Валюта здесь — {currency}, а не {given}.",
    "too_many_decimals": "Знаков после точки здесь не больше {scale}.",
    "amount_too_large": "Сумма не больше {largest}.",
    "unit_exists": "Единица «{unit}» в программе уже есть.",
    "unknown_posting": "Такой проводки нет.",
    "not_reversible": "Проводку этого вида ({kind}) отменить нельзя.",
    "reversal_too_large": "К отмене запрошено баллов: {asked}, от проводки осталось: {left}.",
    "points_spent": "Эти баллы уже потрачены, вернуть нельзя: {missing}.",
    "unknown_hold": "Такого резерва нет.",
    "hold_closed": "Этот резерв уже закрыт: {state}.",
    "hold_expired": "Время этого резерва вышло.",
    "holds_open": "Баллов в резерве: {held}. Сначала спишите их или снимите резерв.",
    "capture_too_large": "К списанию запрошено баллов: {asked}, в резерве: {held}.",
    "other_programme": "Оба участника должны быть из одной программы.",
    "same_member": "Назовите двух разных участников.",
    "pooled_member": "Участник состоит в семье; сначала он выходит из неё.",
    "member_merged": "Участника уже объединили с другим: {into}.",
    "insufficient_points": "Запрошено баллов: {asked}, доступно: {available}.",
    "balance_too_large": "На счёте помещается не больше {largest} баллов.",
    "dates_out_of_order": "Порядок дат нарушен: {earlier} должно быть раньше, чем {later}.",
    "date_out_of_range": "Дата {field} слишком далеко в прошлом или в будущем.",
    "idempotency_conflict": "Этот ключ идемпотентности уже был у другого запроса.",
    "idempotency_key_missing": (
        "Пришлите Idempotency-Key: любой текст, новый для каждой операции и прежний, когда вы её"
        " повторяете."
    ),
    "idempotency_key_invalid": "В ключе не больше 255 символов, и все они должны быть видимыми.",
    "key_missing": "Пришлите ключ API: Authorization: Bearer <ключ>.",
    "key_unknown": "Такого ключа API нет, или он отозван.",
    "scope_missing": "Этому ключу API нужно право {scope}.",
    "cursor_invalid": "Возьмите next_cursor предыдущей страницы как есть.",
    "signature_invalid": (
        "Подпись не подходит к сообщению. Нужны заголовки webhook-id, webhook-timestamp и"
        " webhook-signature."
    ),
    "timestamp_outside_window": (
        "webhook-timestamp расходится с нашими часами больше чем на пять минут. Подписывайте"
        " каждую попытку заново."
    ),
    "malformed_json": "Тело запроса — не JSON.",
    "not_json": "Пришлите тело в JSON, с заголовком Content-Type: application/json.",
    "not_found": "По этому адресу ничего нет.",
    "method_not_allowed": "Этот метод здесь не работает.",
    "body_too_large": "Тело запроса слишком большое.",
    "too_many_requests": "Слишком много запросов; подождите Retry-After секунд.",
    "internal_error": "У нас что-то сломалось. Мы это записали; попробуйте позже.",
    "bad_request": "Запрос выполнить не удалось.",
    "code_not_carried": (
        "Штрихкод вида {symbology} не вмещает код вида {kind}; вмещают: {carriers}."
    ),
    "code_forged": "Этот штрихкод поддельный: его сделали не мы.",
    "code_outdated": (
        "Этот штрихкод уже заменён новым. Возможно, это снимок карты; на самой карте новый код"
        " появится, как только телефон будет в сети."
    ),
    "code_used": (
        "Этот штрихкод уже считали. Следующий появится на карте не позже чем через {seconds} с."
    ),
    "number_not_accepted": (
        "Номера, набранные вручную, в этой программе не принимают: считайте штрихкод с телефона."
    ),
    "certificate_problem": "Сертификат карт не годится: его владельцу нужно взглянуть на журнал.",
}

# The same refusals where the points are money: English, Russian.
OF_MONEY = {
    "insufficient_points": (
        "{asked_money} were asked for and {available_money} are available.",
        "Запрошено: {asked_money}, доступно: {available_money}.",
    ),
    "balance_too_large": (
        "A balance can hold at most {largest_money}.",
        "На счёте помещается не больше {largest_money}.",
    ),
    "reversal_too_large": (
        "{asked_money} were to be reversed and {left_money} of the posting are left.",
        "К отмене запрошено: {asked_money}, от проводки осталось: {left_money}.",
    ),
    "points_spent": (
        "{missing_money} of this money were spent and cannot be taken back.",
        "Эти деньги уже потрачены, вернуть нельзя: {missing_money}.",
    ),
    "capture_too_large": (
        "{asked_money} were to be captured and {held_money} are held.",
        "К списанию запрошено: {asked_money}, в резерве: {held_money}.",
    ),
}

WHOLE = ("must be a whole number", "должно быть целым числом")
YES_OR_NO = ("must be true or false", "должно быть true или false")
TEXT = ("must be text", "должно быть текстом")
MOMENT = (
    "must be a date as in RFC 3339, such as 2026-12-31T23:59:59+03:00",
    "должно быть датой по RFC 3339, например 2026-12-31T23:59:59+03:00",
)
DAY = ("must be a day such as 2026-12-31", "должно быть днём, например 2026-12-31")
LIST = ("must be a list", "должно быть списком")
OBJECT = ("must be a JSON object", "должно быть объектом JSON")
TOO_LONG = ("is too long: {max_length} at most", "слишком длинно: не больше {max_length}")
TOO_SHORT = ("is too short: {min_length} at least", "слишком коротко: не меньше {min_length}")

# What pydantic calls it -> English, Russian. Facts in braces are pydantic's context.
FIELDS = {
    "missing": ("is required", "нужно указать"),
    "extra_forbidden": ("is not known here", "здесь такого нет"),
    "string_type": TEXT,
    "string_unicode": TEXT,
    "string_too_long": TOO_LONG,
    "string_too_short": TOO_SHORT,
    "too_long": TOO_LONG,
    "too_short": TOO_SHORT,
    "int_type": WHOLE,
    "int_parsing": WHOLE,
    "int_parsing_size": WHOLE,
    "int_from_float": WHOLE,
    "bool_type": YES_OR_NO,
    "bool_parsing": YES_OR_NO,
    "greater_than_equal": ("must be at least {ge}", "должно быть не меньше {ge}"),
    "less_than_equal": ("must be at most {le}", "должно быть не больше {le}"),
    "literal_error": ("must be {expected}", "должно быть {expected}"),
    "union_tag_invalid": ("must be one of {expected_tags}", "должно быть одним из {expected_tags}"),
    "union_tag_not_found": ("needs a kind", "нужно указать kind"),
    "date_type": DAY,
    "date_parsing": DAY,
    "date_from_datetime_parsing": DAY,
    "date_from_datetime_inexact": DAY,
    "datetime_type": MOMENT,
    "datetime_parsing": MOMENT,
    "datetime_object_invalid": MOMENT,
    "datetime_from_date_parsing": MOMENT,
    "timezone_aware": MOMENT,
    "model_type": OBJECT,
    "model_attributes_type": OBJECT,
    "dict_type": OBJECT,
    "mapping_type": OBJECT,
    "dataclass_type": OBJECT,
    "list_type": LIST,
    "tuple_type": LIST,
    "json_invalid": ("is not valid JSON", "это не JSON"),
}
UNFIT = ("does not fit", "не подходит")

# What our own checks of fields say.
CHECKS = {
    "must not contain control characters": "не должно содержать управляющих символов",
    "must not be empty": "не должно быть пустым",
    "must be a phone number such as +79991234567": (
        "должно быть номером телефона, например +79991234567"
    ),
    "must be an e-mail address such as name@example.com": (
        "должно быть адресом почты, например name@example.com"
    ),
    "must be a day in the past, not before 1900": "должно быть днём в прошлом, не раньше 1900 года",
    MOMENT[0]: MOMENT[1],
    "must be a date and time without a zone, such as 2026-12-31T10:00": (
        "должно быть датой и временем без часового пояса, например 2026-12-31T10:00"
    ),
    "must be a time of day, such as 22:00": "должно быть временем суток, например 22:00",
    "give either since or days": "укажите либо since, либо days",
    "from and until must differ": "from и until должны различаться",
    "is nested too deeply": "вложено слишком глубоко",
    "must be a date that a calendar can hold": "должно быть датой, какая бывает в календаре",
    "a redemption has no activates_at or expires_at": (
        "у списания нет дат activates_at и expires_at"
    ),
    "give either card or member": "укажите либо card, либо member",
    "give either card or external_id": "укажите либо card, либо external_id",
    "give exactly one of card, phone, email and external_id": (
        "укажите ровно одно из card, phone, email и external_id"
    ),
    'must be an amount such as "199.90"': 'должно быть суммой, например "199.90"',
    "must not be negative": "не должно быть отрицательным",
    "must be more than 0": "должно быть больше 0",
    "must be a currency of three capital letters, such as RUB": (
        "должно быть кодом валюты из трёх заглавных букв, например RUB"
    ),
    "give either points or money": "укажите либо points, либо money",
    "give either gift or gift_money": "укажите либо gift, либо gift_money",
    "give either at_least or at_least_money": "укажите либо at_least, либо at_least_money",
    "give either at_most or at_most_money": "укажите либо at_most, либо at_most_money",
    # 1C asks in its own words, whoever reads the answer.
    "укажите Карта или КодКлиента": "укажите Карта или КодКлиента",
    "укажите либо Баллы, либо Сумма": "укажите либо Баллы, либо Сумма",
    "укажите Сумма вместе с Валюта": "укажите Сумма вместе с Валюта",
}


def of_refusal(code: str, english: str, facts: Mapping[str, object], language: Language) -> str:
    """The sentence of a refusal."""
    if any(name.endswith("_money") for name in facts) and code in OF_MONEY:
        return OF_MONEY[code][LANGUAGES.index(language)].format_map(facts)
    if language == "ru" and code in RUSSIAN:
        return RUSSIAN[code].format_map(facts)
    return english


def of_field(kind: str, message: str, context: Mapping[str, Any], language: Language) -> str:
    """What is wrong with a field: `kind`, `message` and `context` as pydantic has them."""
    said = message.removeprefix("Value error, ")
    if said in CHECKS:
        return said if language == "en" else CHECKS[said]
    sentence = FIELDS.get(kind, UNFIT)[LANGUAGES.index(language)]
    filled = sentence.format_map(context)
    # pydantic joins what may stand there with an English "or".
    return filled.replace("' or '", "' или '") if language == "ru" else filled

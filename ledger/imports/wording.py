"""What is wrong with a row, in words. Russian and English; the codes are stable."""

from collections.abc import Mapping
from typing import Any, Literal

Language = Literal["ru", "en"]

SENTENCES: Mapping[str, Mapping[Language, str]] = {
    "formula": {
        "en": "A formula: formulas are not evaluated. Put its value in the cell.",
        "ru": "Формула: формулы не вычисляются. Поставьте в ячейку значение.",
    },
    "unreadable": {
        "en": "The cell holds an error or characters that cannot be kept.",
        "ru": "В ячейке ошибка или символы, которые нельзя сохранить.",
    },
    "number_rounded": {
        "en": "A spreadsheet has rounded this number. Format the column as text and fill it anew.",
        "ru": "Таблица округлила это число. Сделайте формат столбца текстовым и заполните заново.",
    },
    "date_instead": {
        "en": "A date stands where a text or a number is expected.",
        "ru": "Дата стоит там, где ожидается текст или номер.",
    },
    "not_a_number": {
        "en": "Not a number. Write digits only, such as 1250 or 12.50.",
        "ru": "Не число. Пишите только цифры, например 1250 или 12,50.",
    },
    "negative": {
        "en": "The number is negative.",
        "ru": "Число отрицательное.",
    },
    "too_many_decimals": {
        "en": "Too many decimal places: the unit has {scale}.",
        "ru": "Слишком много знаков после запятой: у единицы их {scale}.",
    },
    "too_many_points": {
        "en": "More than {most}: nobody can have so many.",
        "ru": "Больше {most}: столько не бывает.",
    },
    "points_missing": {
        "en": "The number of points is missing or zero.",
        "ru": "Число баллов не указано или равно нулю.",
    },
    "not_a_date": {
        "en": "Not a date. Write 31.12.2026 or 2026-12-31.",
        "ru": "Не дата. Пишите 31.12.2026 или 2026-12-31.",
    },
    "no_such_day": {
        "en": "There is no such day in the calendar.",
        "ru": "Такого дня нет в календаре.",
    },
    "birthday_out_of_range": {
        "en": "A birthday lies between 1900 and today.",
        "ru": "День рождения лежит между 1900 годом и сегодняшним днём.",
    },
    "expires_out_of_range": {
        "en": "The last day of points must not lie in the past, nor after 2199.",
        "ru": "Последний день баллов не может быть в прошлом или после 2199 года.",
    },
    "phone": {
        "en": "Not a phone number such as +79991234567.",
        "ru": "Не номер телефона вида +79991234567.",
    },
    "email": {
        "en": "Not an e-mail address such as name@example.com.",
        "ru": "Не адрес почты вида name@example.com.",
    },
    "card": {
        "en": "A card number has from {shortest} to {longest} Latin letters, digits and signs.",
        "ru": "Номер карты состоит из латинских букв, цифр и знаков, от {shortest} до {longest}.",
    },
    "too_long": {
        "en": "Too long: at most {most} characters.",
        "ru": "Слишком длинно: не больше {most} символов.",
    },
    "nobody_named": {
        "en": "The row does not say who is meant: give a phone, an e-mail, a card or an id.",
        "ru": "Не сказано, о ком речь: нужен телефон, почта, карта или код.",
    },
    "duplicate_in_file": {
        "en": "The same as in row {first} of the file.",
        "ru": "То же, что в строке {first} файла.",
    },
    "several_members": {
        "en": "The row names two different members, or several have this phone or e-mail.",
        "ru": "Строка указывает на двух разных участников, или такой телефон или почта у многих.",
    },
    "contact_conflict": {
        "en": "The member exists and has something else here.",
        "ru": "Участник уже есть, и здесь у него другое значение.",
    },
    "card_taken": {
        "en": "The card belongs to somebody else.",
        "ru": "Карта принадлежит кому-то другому.",
    },
    "card_blocked": {
        "en": "The card was replaced by another one.",
        "ru": "Карта заменена другой.",
    },
    "opening_exists": {
        "en": "The member has an opening balance already.",
        "ru": "Начальный остаток у участника уже есть.",
    },
    "unknown_member": {
        "en": "There is no such member.",
        "ru": "Такого участника нет.",
    },
    "insufficient_points": {
        "en": "The member has {available} points, less than are to be taken.",
        "ru": "У участника {available} баллов, меньше, чем нужно списать.",
    },
    "balance_too_large": {
        "en": "The balance would grow too large.",
        "ru": "Баланс стал бы слишком большим.",
    },
}

LEFT_ASIDE: Mapping[str, Mapping[Language, str]] = {
    "unknown_column": {
        "en": "Column “{column}” is not known here and is left aside.",
        "ru": "Столбец «{column}» здесь не известен и остаётся в стороне.",
    },
    "homeless_column": {
        "en": "Column “{column}” has no place in the ledger yet: it is not imported.",
        "ru": "Столбцу «{column}» в системе пока нет места: он не переносится.",
    },
}


def sentence(code: str, facts: Mapping[str, Any], language: Language) -> str:
    return {**SENTENCES, **LEFT_ASIDE}[code][language].format_map(facts)

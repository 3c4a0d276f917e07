"""What a PassKit web service must do, rule by rule, each with the document it comes from."""

from dataclasses import dataclass

SERVICE = "Apple, PassKit Web Service Reference"
REGISTER = f"{SERVICE}: Registering a Device to Receive Push Notifications for a Pass"
LIST = f"{SERVICE}: Getting the Serial Numbers for Passes Associated with a Device"
FETCH = f"{SERVICE}: Getting the Latest Version of a Pass"
UNREGISTER = f"{SERVICE}: Unregistering a Device"
LOG = f"{SERVICE}: Logging Errors"
UPDATING = "Apple, Wallet Developer Guide: Updating a Pass"
APNS = "Apple, Handling notification responses from APNs"
HTTP = "RFC 9110, HTTP Semantics"


@dataclass(frozen=True, slots=True)
class ConformanceRule:
    """`needs`: what must be there, besides one card, before the rule can be tried."""

    code: str
    russian: str
    english: str
    source: str
    needs: frozenset[str] = frozenset()


CARDS, CHANGE, PUSHES = "cards", "change", "pushes"


def _rule(code: str, russian: str, english: str, source: str, *needs: str) -> ConformanceRule:
    return ConformanceRule(code, russian, english, source, frozenset(needs))


_ALL = (
    _rule(
        "register_needs_token",
        "Регистрация без токена карты или с чужим отвергается: 401.",
        "Registering without the pass's token, or with a wrong one, is refused: 401.",
        REGISTER,
    ),
    _rule(
        "register_new",
        "Первая регистрация отвечает 201.",
        "A first registration answers 201.",
        REGISTER,
    ),
    _rule(
        "register_again",
        "Повторная регистрация отвечает 200.",
        "The same registration again answers 200.",
        REGISTER,
    ),
    _rule(
        "list_is_open",
        "Список изменений отвечает без заголовка Authorization: телефон его не шлёт.",
        "The list answers without an Authorization header: phones send none.",
        LIST,
    ),
    _rule(
        "list_shape",
        "Список: serialNumbers — непустой массив строк, lastUpdated — строка.",
        "The list: serialNumbers is an array of strings, not empty; lastUpdated is a string.",
        LIST,
    ),
    _rule(
        "list_complete",
        "Без метки в списке все карты этого телефона, а не только самые новые.",
        "Without a tag the list has every pass of this device, not just the newest.",
        LIST,
        CARDS,
    ),
    _rule(
        "list_unchanged",
        "Сервис понимает свою же метку: пока ничего не изменилось, ответ 204.",
        "The service understands its own tag: while nothing has changed, it answers 204.",
        LIST,
    ),
    _rule(
        "list_any_tag",
        "Незнакомая метка не ломает сервис: 200 или 204.",
        "A tag it never gave does not break the service: 200 or 204.",
        LIST,
    ),
    _rule(
        "list_stranger",
        "Незнакомому телефону — 204 или 404 и ни одного чужого номера.",
        "A device it does not know gets 204 or 404, and nobody else's serial numbers.",
        LIST,
    ),
    _rule(
        "fetch_needs_token",
        "Карта без токена или с чужим не отдаётся: 401.",
        "A pass is not given out without its token, or for a wrong one: 401.",
        FETCH,
    ),
    _rule(
        "fetch_pass",
        "Карта приходит как application/vnd.apple.pkpass и с тем же номером.",
        "The pass comes as application/vnd.apple.pkpass and under the same serial number.",
        FETCH,
    ),
    _rule(
        "fetch_dated",
        "С картой приходит Last-Modified, дата по правилам HTTP.",
        "The pass comes with Last-Modified, a date as HTTP writes it.",
        HTTP,
    ),
    _rule(
        "fetch_date_stays",
        "Пока карта не меняется, не меняется и её Last-Modified.",
        "While the pass does not change, its Last-Modified does not either.",
        HTTP,
    ),
    _rule(
        "fetch_not_modified",
        "На свою же дату в If-Modified-Since сервис отвечает 304.",
        "To its own date in If-Modified-Since the service answers 304.",
        FETCH,
    ),
    _rule(
        "log_is_open",
        "Журнал принимает жалобы телефона: 200.",
        "The log takes a phone's complaints: 200.",
        LOG,
    ),
    _rule(
        "change_is_listed",
        "Изменённая карта есть в списке, и метка у него новая.",
        "A changed pass is in the list, and the list has a new tag.",
        LIST,
        CHANGE,
    ),
    _rule(
        "change_is_listed_once",
        "С новой меткой та же карта больше не приходит: 204.",
        "With the new tag the same pass is not listed again: 204.",
        LIST,
        CHANGE,
    ),
    _rule(
        "changes_all_listed",
        "Если изменились несколько карт, список после старой метки содержит их все.",
        "When several passes have changed, the list since the old tag has them all.",
        LIST,
        CHANGE,
        CARDS,
    ),
    _rule(
        "change_is_fetched",
        "Изменённая карта отдаётся на дату прежней, и содержимое у неё другое.",
        "A changed pass is given out for the date of the old one, and its content differs.",
        FETCH,
        CHANGE,
    ),
    _rule(
        "changes_within_a_second",
        "Два изменения в одну секунду: телефон, у которого первое, получает второе.",
        "Two changes within a second: a phone that has the first is given the second.",
        HTTP,
        CHANGE,
    ),
    _rule(
        "push_arrives",
        "После изменения на телефон уходит пуш.",
        "A change is followed by a push to the phone.",
        UPDATING,
        CHANGE,
        PUSHES,
    ),
    _rule(
        "push_follows_token",
        "Телефон сообщил новый push-токен: пуши идут на новый, а на старый больше нет.",
        "The phone has told a new push token: pushes go to it, and no longer to the old one.",
        REGISTER,
        CHANGE,
        PUSHES,
    ),
    _rule(
        "push_dead_token",
        "На токен, о котором Apple ответила 410, больше не шлют.",
        "A token that Apple answered 410 for is not pushed to again.",
        APNS,
        CHANGE,
        PUSHES,
    ),
    _rule(
        "unregister_needs_token",
        "Снять регистрацию без токена карты нельзя: 401.",
        "Unregistering without the pass's token is refused: 401.",
        UNREGISTER,
    ),
    _rule(
        "unregister",
        "Снятие регистрации отвечает 200, и карты больше нет в списке.",
        "Unregistering answers 200, and the pass is in the list no more.",
        UNREGISTER,
    ),
    _rule(
        "unregister_again",
        "Снятая дважды регистрация ничего не ломает.",
        "Unregistering twice breaks nothing.",
        UNREGISTER,
    ),
)
RULES = {rule.code: rule for rule in _ALL}

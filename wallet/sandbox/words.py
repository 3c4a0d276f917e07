"""What the sandbox says to people, in Russian and in English.

The sandbox must work before anything else does, so its words are a table and need no catalogue."""

from ledger.languages import Language

# Key -> Russian, English. Facts stand in braces.
WORDS: dict[str, tuple[str, str]] = {
    # What an exchange was for. A status after the purpose words that outcome.
    "did.join": ("Касса зарегистрировала нового участника.", "The till signed up a new member."),
    "did.scan": ("Касса считала код карты.", "The till read the card's code."),
    "did.find": ("Касса нашла участника по номеру карты.", "The till looked a card number up."),
    "did.accrue": ("Касса начислила баллы.", "The till gave points."),
    "did.redeem": ("Касса списала баллы.", "The till took points as payment."),
    "did.redeem.409": (
        "Касса хотела списать баллы, но их не хватило.",
        "The till wanted to take points, but there are not enough.",
    ),
    "did.offer": ("Магазин опубликовал предложение.", "The shop published an offer."),
    "did.open": ("Телефон открыл страницу карты.", "The phone opened the card's page."),
    "did.download": ("Телефон скачал карту.", "The phone downloaded the card."),
    "did.register": (
        "Телефон попросил сообщать ему об изменениях карты.",
        "The phone asked to be told whenever this card changes.",
    ),
    "did.unregister": (
        "Телефон удалил карту и больше не ждёт о ней новостей.",
        "The phone removed the card and wants no more news of it.",
    ),
    "did.personalize": (
        "Телефон сообщил, чья это карта.",
        "The phone told whose card it is.",
    ),
    "did.list": (
        "Телефон спросил, какие карты изменились.",
        "The phone asked which cards have changed.",
    ),
    "did.list.200": (
        "Телефон спросил, что изменилось, и получил номера карт.",
        "The phone asked what has changed, and was told which cards.",
    ),
    "did.list.204": (
        "Телефон спросил, что изменилось: ничего.",
        "The phone asked what has changed: nothing.",
    ),
    "did.fetch": ("Телефон забрал карту.", "The phone fetched the card."),
    "did.fetch.304": (
        "Телефон спросил карту ещё раз: она прежняя, пересылать нечего.",
        "The phone asked for the card again: it is the same, so nothing was sent.",
    ),
    "did.log": (
        "Телефон пожаловался в журнал сервиса.",
        "The phone complained to the service's log.",
    ),
    "did.push": (
        "Пуш дошёл до телефона. В нём нет текста, только «что-то изменилось».",
        "The push reached the phone. It holds no text, only “something has changed”.",
    ),
    "did.follow": (
        "Android-телефон открыл ссылку карты на Google Wallet.",
        "The Android phone opened the card's link to Google Wallet.",
    ),
    "did.save": (
        "Хозяин Android-телефона сохранил карту в Google Wallet.",
        "The owner of the Android phone saved the card in Google Wallet.",
    ),
    "did.picture": (
        "Google забрал картинку карты.",
        "Google fetched a picture of the card.",
    ),
    "did.sync": (
        "Google передал телефону новую карту.",
        "Google handed the changed card to the phone.",
    ),
    "did.drop": (
        "Хозяин Android-телефона удалил карту; Google сообщит об этом сервису.",
        "The owner of the Android phone removed the card; Google tells the service.",
    ),
    "did.unanswered": ("Ответа не было.", "No answer came."),
    "did.refused": ("В этом было отказано.", "This was refused."),
    "ms": ("мс", "ms"),
    # What a phone says by itself.
    "card_changed": ("Карта изменилась.", "The card has changed."),
    # The story that `wallet phone` tells.
    "story.title": (
        "Весь путь на этой машине: касса → сервис → замена Apple → телефон.",
        "The whole loop on this machine: till → service → Apple's stand-in → phone.",
    ),
    "story.real_phones": (
        "Настоящие телефоны такие карты не принимают: они подписаны этой машиной, а не Apple.\n"
        "Чтобы выпускать настоящие, получите у Apple сертификат Pass Type ID. Как это сделать,\n"
        "написано в README.ru.md.",
        "Real phones refuse these cards: this machine signed them, not Apple. To issue real ones,\n"
        "get a Pass Type ID certificate from Apple; the README says how, under “Going live with\n"
        "Apple”.",
    ),
    "story.google_title": (
        "Весь путь на этой машине: касса → сервис → замена Google Wallet → Android-телефон.",
        "The whole loop on this machine: till → service → Google's stand-in → Android phone.",
    ),
    "story.google_real_phones": (
        "Настоящие телефоны об этих картах не узнают: их хранит эта машина, а не Google.",
        "Real phones never hear of these cards: this machine keeps them, not Google.",
    ),
    "story.google_silent": (
        "Карта изменилась молча: без уведомления.",
        "The card changed in silence, without a notification.",
    ),
    "story.google_latency": (
        "ответ на начисление -> карта в телефоне изменилась: {ms} мс",
        "accrual answered -> card changed in the phone: {ms} ms",
    ),
    "story.google_median": (
        "медиана {times} измерений: {ms} мс",
        "median of {times}: {ms} ms",
    ),
    "story.join": ("Покупатель вступает в программу «{programme}»", "A customer joins {programme}"),
    "story.add": ("Телефон добавляет карту", "The phone adds the card"),
    "story.accrue": ("Касса начисляет баллы: {points}", "The till gives {points} points"),
    "story.more": (
        "Ещё начисления по {points}: {times}",
        "The same {times} times more, {points} points each",
    ),
    "story.one_of": (
        "  {number}-е: {ms} мс, на карте {shown}",
        "  number {number}: {ms} ms, the card shows {shown}",
    ),
    "story.offer": ("Магазин публикует предложение", "The shop publishes an offer"),
    "story.pull": (
        "Хозяин телефона тянет карту вниз: нет ли новостей?",
        "The owner pulls the card down: any news?",
    ),
    "story.remove": ("Телефон удаляет карту", "The phone removes the card"),
    "story.watch": (
        "Телефон ждёт новостей этой карты. Остановить: Ctrl-C.",
        "The phone waits for news of this card. Stop with Ctrl-C.",
    ),
    "story.removed": ("Карта удалена из телефона.", "The card was removed from the phone."),
    "story.lock_screen": ("Экран блокировки", "Lock screen"),
    "story.silent": (
        "Карта изменилась молча: у изменившихся полей нет сообщения.",
        "The card changed in silence: the fields that changed have no message.",
    ),
    "story.before": ("Было", "Before"),
    "story.after": ("Стало", "After"),
    "story.no_news": (
        "Новостей нет: ответ 304, карта не пересылалась.",
        "No news: the answer was 304, and nothing was sent.",
    ),
    "story.latency": (
        "ответ на начисление -> пуш принят: {ms} мс",
        "accrual answered -> push accepted: {ms} ms",
    ),
    "story.median": ("медиана {times} измерений: {ms} мс", "median of {times}: {ms} ms"),
    "story.done": ("Всё произошло, как должно.", "All of it happened as it should."),
    "story.back": ("на обороте", "on the back"),
    "story.customer": ("Анна", "Anna"),
    "story.reason": ("Виртуальный телефон", "Virtual phone"),
    # The phone's page.
    "page.title": ("Виртуальные телефоны", "Virtual phones"),
    "page.lead": (
        "Карта живёт в телефоне и меняется в тот же миг, что и баллы. Здесь виден весь путь: касса"
        " → сервис → Apple и Google → телефоны.",
        "The card lives in a phone and changes the moment the points do. Here is the whole way:"
        " till → service → Apple and Google → phones.",
    ),
    "page.inbox": ("Письма и сообщения", "Letters and messages"),
    "page.inbox_lead": (
        "Здесь то, что ушло бы людям по почте и на телефон: например, код, чтобы найти карту. Новое"
        " сверху.",
        "What would have gone to people by e-mail and to phones, such as a code to find a card. The"
        " newest is on top.",
    ),
    "page.inbox_phone": ("Сообщение на телефон", "Message to a phone"),
    "page.inbox_empty": (
        "Пока пусто. Откройте «Найти мою карту» и запросите код.",
        "Nothing yet. Open “Find my card” and ask for a code.",
    ),
    "page.real_phones": (
        "Это песочница: настоящие телефоны её карты не принимают, ведь их выпустила эта машина, а"
        " не Apple и не Google. Как выпускать настоящие, написано в README.ru.md.",
        "This is a sandbox: real phones refuse its cards, since this machine issued them and"
        " neither Apple nor Google. How to issue real ones is in the README, under “Going live"
        " with Apple” and “Going live with Google”.",
    ),
    "page.needs_script": (
        "Странице нужен JavaScript: она показывает, что происходит в телефоне прямо сейчас.",
        "This page needs JavaScript: it shows what happens in the phone right now.",
    ),
    "page.till": ("Касса", "The till"),
    "page.demo": ("Получить новую карту", "Get a new demo card"),
    "page.earn": ("Начислить 10 баллов", "Earn 10 points"),
    "page.spend": ("Списать 10 баллов", "Spend 10 points"),
    "page.offer": ("Опубликовать предложение", "Publish an offer"),
    "page.link": ("Ссылка на карту", "Link to a card"),
    "page.link_hint": (
        "Страница карты, .pkpass или Google",
        "Its page, .pkpass or Google link",
    ),
    "page.add": ("Добавить в телефоны", "Add to the phones"),
    "page.remove": ("Удалить карту", "Remove the card"),
    "page.sheet.name": ("Имя", "Name"),
    "page.sheet.phone": ("Телефон", "Phone number"),
    "page.sheet.email": ("Эл. почта", "E-mail"),
    "page.sheet.postal_code": ("Индекс", "Postal code"),
    "page.sheet.later": ("Не сейчас", "Not now"),
    "page.sheet.send": ("Далее", "Next"),
    "page.turn": ("Перевернуть", "Turn over"),
    "page.empty": (
        "В телефоне ещё нет карты. Нажмите «Получить новую карту».",
        "No card in the phone yet. Press “Get a new demo card”.",
    ),
    "page.iphone": ("iPhone, Apple Wallet", "iPhone, Apple Wallet"),
    "page.android": ("Android, Google Wallet", "Android, Google Wallet"),
    "page.details": ("Подробности", "Details"),
    "page.android_empty": (
        "Здесь появится та же карта в Google Wallet.",
        "The same card will appear here, in Google Wallet.",
    ),
    "page.android_not_set_up": (
        "Google Wallet не настроен: сервис предлагает эту карту только для Apple.",
        "Google Wallet is not set up: the service offers this card for Apple alone.",
    ),
    "page.android_silent": (
        "Карта изменилась без уведомления.",
        "The card changed without a notification.",
    ),
    "page.change": ("Последнее изменение", "The last change"),
    "page.no_change": (
        "Пока ничего не менялось. Начислите баллы и смотрите на экран телефона.",
        "Nothing has changed yet. Earn some points and watch the phone's screen.",
    ),
    "page.before": ("Было", "Before"),
    "page.after": ("Стало", "After"),
    "page.lock_screen": (
        "На экране блокировки: «{message}»",
        "On the lock screen: “{message}”",
    ),
    "page.silent": (
        "Без уведомления: у изменившихся полей нет сообщения.",
        "No notification: the fields that changed have no message.",
    ),
    "page.push_ms": (
        "Пуш принят через {ms} мс после ответа кассе.",
        "The push was accepted {ms} ms after the till had its answer.",
    ),
    "page.exchanges": ("Запросы и ответы", "Who said what to whom"),
    "page.exchanges_hint": (
        "Все обмены, новые сверху. Секреты в адресах сокращены.",
        "Every exchange, the newest first. Secrets in addresses are cut short.",
    ),
    "page.no_exchange": ("Пока тишина.", "Silence so far."),
    "page.lost": (
        "Песочница не отвечает. Страница подождёт.",
        "The sandbox does not answer. This page will wait.",
    ),
    "page.cards": ("Карты в телефоне", "Cards in the phone"),
    "page.no_barcode": ("Телефон покажет здесь код", "The phone shows this code here"),
    "page.voided": ("Карта больше не действует", "This card is no longer valid"),
    "who.phone": ("iPhone", "iPhone"),
    "who.android": ("Android", "Android"),
    "who.google": ("Google", "Google"),
    "who.till": ("касса", "till"),
    "who.apple": ("Apple", "Apple"),
    "page.cross_site": (
        "Запрос пришёл не с этой страницы.",
        "The request did not come from this page.",
    ),
    "page.bad_request": ("Так не получится.", "That did not work."),
    "offer.1": ("Второй капучино за полцены", "Second cappuccino at half price"),
    "offer.1.text": ("Сегодня до закрытия.", "Today until we close."),
    "offer.2": ("Круассан в подарок к кофе", "A croissant with your coffee, on us"),
    "offer.2.text": ("С восьми до одиннадцати утра.", "From eight to eleven in the morning."),
    "offer.3": ("Двойные баллы до вечера", "Double points until tonight"),
    "offer.3.text": ("За любой напиток.", "For any drink."),
    "offer.4": ("Тыквенный латте вернулся", "Pumpkin latte is back"),
    "offer.4.text": ("Ненадолго.", "Not for long."),
    # What Google's stand-in tells a browser.
    "saved.title": ("Карта сохранена", "The card is saved"),
    "saved.lead": (
        "В замене Google Wallet на этой машине, а не в настоящем телефоне: это песочница.",
        "At this machine's stand-in for Google Wallet, not in a real phone: this is a sandbox.",
    ),
    "saved.open": (
        "Открыть в виртуальном телефоне",
        "Open it in the virtual phone",
    ),
    # What went wrong.
    "trouble.no_answer": (
        "{address} не отвечает. Запущен ли сервис? Он запускается командой `wallet run` в другом"
        " окне.",
        "There is no answer from {address}. Is the service running? Start it with `wallet run` in"
        " another terminal.",
    ),
    "trouble.no_stand_in": (
        "Сервис отвечает, а песочница (замена Apple) на {address} — нет. Запустите всё вместе"
        " командой `wallet run`.",
        "The service answers, but the sandbox (Apple's stand-in) at {address} does not. Start all"
        " of it with `wallet run`.",
    ),
    "trouble.no_certificates": (
        "В папке {folder} нет сертификатов песочницы. Запустите сервис командой `wallet run` с"
        " той же папкой данных WALLET_DATA.",
        "There are no sandbox certificates in {folder}. Start the service with `wallet run` and"
        " the same WALLET_DATA.",
    ),
    "trouble.not_in_production": (
        "Виртуальный телефон и замена Apple есть только в песочнице (WALLET_MODE=sandbox).",
        "The virtual phone and Apple's stand-in exist in the sandbox only (WALLET_MODE=sandbox).",
    ),
    "trouble.port_taken": (
        "Порт {port} занят другой программой; выберите другой: PORT=…",
        "Port {port} is taken by another program; choose another with PORT=…",
    ),
    "trouble.key_unknown": (
        "Сервис не знает этого ключа API. Папка данных WALLET_DATA должна быть той же, что у"
        " сервиса.",
        "The service does not know this API key. Use the same WALLET_DATA as the service.",
    ),
    "trouble.api_refused": (
        "Сервис отказал ({status}): {detail}",
        "The service refused ({status}): {detail}",
    ),
    "trouble.api_failed": (
        "Сервис ответил ошибкой {status}.",
        "The service answered with the error {status}.",
    ),
    "trouble.insufficient_points": (
        "На карте не хватает баллов.",
        "There are not enough points on the card.",
    ),
    "trouble.card_of_others": (
        "Этот сервис не знает номера этой карты.",
        "This service does not know the number of this card.",
    ),
    "trouble.no_card_yet": (
        "В телефоне ещё нет карты. Сначала добавьте её.",
        "There is no card in the phone yet. Add one first.",
    ),
    "trouble.too_many_cards": (
        "В этом телефоне больше нет места (карт: {most}). Удалите одну.",
        "This phone has room for {most} cards. Remove one first.",
    ),
    "trouble.not_a_link": (
        "Это не ссылка на карту. Ссылка начинается с http:// или https://",
        "This is not a link to a card. A link begins with http:// or https://",
    ),
    "trouble.no_web_service": (
        "Эта карта не называет веб-сервис: в pass.json нужны webServiceURL, authenticationToken,"
        " passTypeIdentifier и serialNumber.",
        "This pass names no web service: pass.json needs webServiceURL, authenticationToken,"
        " passTypeIdentifier and serialNumber.",
    ),
    "trouble.not_a_pass": (
        "Это не карта: pass.json не читается.",
        "Not a pass: its pass.json cannot be read.",
    ),
    "trouble.change_failed": (
        "Команда, которая меняет карту, завершилась с кодом {status}.",
        "The command that changes a card ended with code {status}.",
    ),
    # What `wallet conformance` tells.
    "rule.holds": ("да          ", "holds       "),
    "rule.broken": ("НАРУШЕНО    ", "BROKEN      "),
    "rule.untried": ("не проверено", "not tried   "),
    "rule.seen": ("              увидели: {seen}", "              seen: {seen}"),
    "rule.source": ("              источник: {source}", "              from: {source}"),
    "rule.summary": (
        "Соблюдается: {holds_}, нарушено: {broken_}, не проверено: {untried_}.",
        "Kept: {holds_}, broken: {broken_}, not tried: {untried_}.",
    ),
    "rule.missing.cards": (
        "Дайте две карты одного типа, чтобы проверить и списки из нескольких.",
        "Give two cards of one type, to have lists of several tried as well.",
    ),
    "rule.missing.change": (
        "Дайте --change, чтобы проверить изменения.",
        "Give --change, to have changes tried as well.",
    ),
    "rule.missing.pushes": (
        "Дайте --pushes, чтобы проверить пуши.",
        "Give --pushes, to have pushes tried as well.",
    ),
    "trouble.no_pass_there": (
        "По этой ссылке нет карты (ответ {status}). Нужна страница карты или сам файл .pkpass.",
        "There is no card at this link (answer {status}). Give the card's page or the .pkpass"
        " itself.",
    ),
    "trouble.asks_nothing": ("Эта карта ни о чём не спрашивает.", "This card asks nothing."),
    "trouble.answer_refused": (
        "Сервис не принял ответ (ответ {status}). Проверьте, что написано в полях.",
        "The service did not take the answer (answer {status}). Check what is written there.",
    ),
    "trouble.answer_unsigned": (
        "Сервис принял ответ, но не подтвердил это подписью карты: телефон ему не верит.",
        "The service took the answer and did not prove it with the card's signature: the phone"
        " does not believe it.",
    ),
    "trouble.not_passes": (
        "В файле .pkpasses должны быть только карты .pkpass, хотя бы одна.",
        "A .pkpasses holds .pkpass files, at least one, and nothing else.",
    ),
    "trouble.bad_sheet": (
        "personalization.json не говорит, о чём спрашивать и какими словами.",
        "personalization.json does not say what to ask, and in which words.",
    ),
    "trouble.may_not_ask": (
        "Карта спрашивает владельца, но у неё нет NFC или personalizationLogo.png.",
        "The pass asks its owner, but has no NFC or no personalizationLogo.png.",
    ),
    "trouble.registration_refused": (
        "Сервис отказался сообщать телефону о новостях карты (ответ {status}).",
        "The service did not register the phone for the card's news (answer {status}).",
    ),
    "trouble.web_service": (
        "Веб-служба карты ответила не так, как положено (ответ {status}).",
        "The card's web service did not answer as it should (answer {status}).",
    ),
    "trouble.no_google_stand_in": (
        "Замена Google Wallet на {address} не отвечает. Запустите всё вместе командой"
        " `wallet run`.",
        "The stand-in for Google Wallet at {address} does not answer. Start all of it with"
        " `wallet run`.",
    ),
    "trouble.google_not_set_up": (
        "У этой карты нет пути в Google Wallet: Google в сервисе не настроен.",
        "This card has no way into Google Wallet: the service has no Google set up.",
    ),
    "trouble.google_refused": (
        "Карта не попала в Google Wallet (ответ {status}).",
        "The card did not get into Google Wallet (answer {status}).",
    ),
    "trouble.real_google": (
        "Ссылка ведёт в настоящий Google Wallet, а телефон здесь виртуальный.",
        "This link leads to the real Google Wallet, and the phone here is a virtual one.",
    ),
    "trouble.no_google_news": (
        "За {seconds} с Google не передал телефону карту с нужными данными.",
        "Within {seconds} s Google did not hand the phone the card it should have.",
    ),
    "trouble.no_push": (
        "Пуш не пришёл за {seconds} с, поэтому карта не обновилась.",
        "No push came within {seconds} s, so the card did not change.",
    ),
    "trouble.push_without_change": (
        "Пуш пришёл, но за {seconds} с на карте не появилось то, что должно.",
        "A push came, but within {seconds} s the card did not show what it should.",
    ),
    "trouble.no_304": (
        "Карта не менялась, а сервис прислал её снова вместо ответа 304.",
        "The card had not changed, yet the service sent it again instead of answering 304.",
    ),
    # Why a phone would not take a pass.
    "trouble.too_large": ("Файл карты слишком велик.", "The pass is too large."),
    "trouble.not_a_zip": ("Это не карта: архив не читается.", "Not a pass: no readable zip."),
    "trouble.too_many_files": ("В карте слишком много файлов.", "The pass has too many files."),
    "trouble.file_twice": ("Файл в карте повторяется.", "A file is in the pass twice."),
    "trouble.symlink": ("В карте есть ссылка вместо файла.", "The pass holds a symbolic link."),
    "trouble.path_in_zip": (
        "Имя файла в карте ведёт за её пределы.",
        "A file name in the pass leads outside of it.",
    ),
    "trouble.file_missing": ("В карте нет файла {name}.", "The pass has no {name}."),
    "trouble.manifest_incomplete": (
        "Список файлов карты не совпадает с её файлами.",
        "The manifest does not list exactly the files of the pass.",
    ),
    "trouble.file_tampered": (
        "Файл {name} изменили после подписи.",
        "{name} was changed after the pass was signed.",
    ),
    "trouble.not_json": ("{name} не читается.", "{name} is not valid JSON."),
    "trouble.signature_unreadable": (
        "Подпись карты не читается.",
        "The signature cannot be read.",
    ),
    "trouble.signature_without_time": (
        "В подписи нет времени подписания.",
        "The signature has no signing time.",
    ),
    "trouble.signature_of_another_manifest": (
        "Подпись сделана для другого списка файлов.",
        "The signature belongs to another manifest.",
    ),
    "trouble.signature_forged": ("Подпись подделана.", "The signature is forged."),
    "trouble.unknown_signer": (
        "Карту подписал тот, кому этот телефон не доверяет. Он знает только сертификаты своей"
        " песочницы.",
        "The pass was signed by somebody this phone does not trust. It knows the certificates of"
        " its own sandbox only.",
    ),
    "trouble.certificate_expired": (
        "Срок сертификата, которым подписана карта, истёк или ещё не начался.",
        "The certificate that signed the pass has expired, or is not valid yet.",
    ),
    "trouble.pass_type_of_another_certificate": (
        "Сертификат выдан для другого типа карт.",
        "The certificate was issued for another pass type.",
    ),
    "trouble.team_of_another_certificate": (
        "Сертификат выдан другой команде.",
        "The certificate was issued to another team.",
    ),
    "trouble.without_icon": ("В карте нет значка.", "The pass has no icon."),
    "trouble.key_missing": (
        "В pass.json нет {name}, или оно не годится.",
        "pass.json lacks {name}, or it is not fit for use.",
    ),
    "trouble.field_twice": ("Поле {name} повторяется.", "The field {name} is there twice."),
    "trouble.bad_field": (
        "Одно из полей карты записано неверно.",
        "One of the pass's fields is not well formed.",
    ),
    "trouble.another_pass": (
        "Вместо карты сервис прислал другую.",
        "The service sent another pass in place of this one.",
    ),
}


def said(key: str, language: Language, **facts: object) -> str:
    russian, english = WORDS[key]
    return (russian if language == "ru" else english).format(**facts)


def exchange(purpose: str, status: int | None, language: Language) -> str:
    """One plain sentence on what a request was for and, where that says something, how it ended."""
    outcome = f"did.{purpose}.{status}"
    if outcome in WORDS:
        return said(outcome, language)
    if status is None:
        return said("did.unanswered", language)
    return said("did.refused" if status >= 400 else f"did.{purpose}", language)

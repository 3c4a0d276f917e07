"""Products, prices and stores from files, on both databases: as 1C and spreadsheets write them,
sent again and again, stopped anywhere."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

import pytest
from sqlalchemy import select
from tables import csv_file, xlsx_file

from ledger.catalogue import categories, completing, price_lists, products
from ledger.catalogue.categories import CategoryTerms
from ledger.errors import FileRefused
from ledger.imports import store, things, wording
from ledger.imports.store import Import, ImportRequest
from ledger.programmes import programmes, stores
from ledger.programmes.stores import StoreTerms
from wallet.access.changes import Author
from wallet.people import importing
from wallet.people.importing import Desk

BY = Author("command", "wallet test")

# What 1C writes: its own names of columns, its own words, Windows-1251, semicolons.
FROM_1C = (
    "Код;Артикул;Наименование;Ед. изм.;Штрихкод;Категория;Бренд;Цена;Минимальная цена;Ставка НДС"
    ";Маркировка;Свойство: Цвет;В архиве",
    'SHOE-38;A-1;"Туфли ""Лодочка"", 38";шт;4006381333931;shoes;Lelia;4 990,00;3000;20%'
    ";да;чёрный;нет",
    "SOCKS;;Носки;пара;2000000000008, 036000291452;;;299,00;;;нет;;нет",
    "CHEESE;;Сыр весовой;кг;;;;1 250,50;;10%;;;",
)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    return request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url")


@pytest.fixture
def desk(installation) -> Iterator[Desk]:
    with installation.database.transaction() as session:
        programme = programmes.by_code(session, "demo")
        categories.put(session, programme, CategoryTerms("shoes", {}), installation.clock())
    yield installation.import_desk


def checked(desk: Desk, file: BinaryIO, kind: str = "products") -> Import:
    return importing.read(desk, file, ImportRequest("demo", kind))


def applied(desk: Desk, file: BinaryIO, kind: str = "products", **how: bool) -> Import:
    import_ = checked(desk, file, kind)
    importing.start(desk, import_.public_id, BY, **{"skip_bad": False, **how})
    while importing.advance(desk):
        pass
    done = importing.find(desk, import_.public_id)
    assert importing.check(desk, done.public_id) == []
    return done


def told(import_: Import) -> tuple[int, int, int, int]:
    """What the check found: new, changed, unchanged, gone."""
    return (
        import_.new_things,
        import_.changed_things,
        import_.same_things,
        import_.gone_things,
    )


def problems(desk: Desk, import_: Import) -> list[tuple[int, str | None, str]]:
    with desk.database.reading() as session:
        found = store.problems(session, import_.id, 0, 100)
        for one in found:
            assert wording.sentence(one.code, one.facts, "ru") != one.code
            assert wording.sentence(one.code, one.facts, "en") != one.code
        return [(one.row, one.field, one.code) for one in found]


def product(desk: Desk, sku: str) -> products.Product:
    with desk.database.reading() as session:
        return products.named(session, programmes.by_code(session, "demo").id, sku)


def amounts(desk: Desk, sku: str, now: datetime | None = None, group: str | None = None) -> tuple:
    """What this product costs, and its floor."""
    with desk.database.reading() as session:
        programme = programmes.by_code(session, "demo")
        known = completing.known(session, programme.id, group, now or desk.clock(), [sku])
        return known.by_sku[sku].price, known.by_sku[sku].floor


def test_products_come_as_1c_writes_them(desk: Desk) -> None:
    done = applied(desk, csv_file(*FROM_1C, encoding="cp1251"))
    assert (done.applied, done.things_added, told(done)) == (3, 3, (3, 0, 0, 0))
    shoe = product(desk, "SHOE-38")
    assert shoe.names == {"ru": 'Туфли "Лодочка", 38'}
    assert (shoe.article, shoe.brand, shoe.vat, shoe.marked) == ("A-1", "Lelia", "20%", True)
    assert (shoe.unit, shoe.properties, shoe.archived) == ("pcs", {"Цвет": "чёрный"}, False)
    assert amounts(desk, "SHOE-38") == (499000, 300000)
    assert product(desk, "CHEESE").unit == "kg"
    assert amounts(desk, "CHEESE") == (125050, None)
    with desk.database.reading() as session:
        programme = programmes.by_code(session, "demo").id
        found = products.scanned(session, programme, "036000291452")
        assert found is not None
        assert found[0].sku == "SOCKS"


def test_the_same_file_again_changes_nothing_and_a_new_one_what_is_new(desk: Desk) -> None:
    applied(desk, csv_file(*FROM_1C, encoding="cp1251"))
    before = product(desk, "SHOE-38").revision
    again = applied(desk, csv_file(*FROM_1C, encoding="cp1251"))
    assert told(again) == (0, 0, 3, 0)
    assert (again.applied, again.things_added, again.things_changed) == (3, 0, 0)
    assert product(desk, "SHOE-38").revision == before
    with desk.database.reading() as session:
        shoe = product(desk, "SHOE-38")
        assert len(price_lists.prices(session, shoe.id, None, 0, 10)) == 1
    # Fewer columns, another price, one more, one less.
    rows = ("SKU;price", "SHOE-38;4500.00", "SOCKS;299.00", "BAG;15.00")
    other = applied(desk, csv_file(*rows))
    assert told(other) == (1, 1, 1, 1)
    assert (other.things_added, other.things_changed, other.gone_things) == (1, 1, 1)
    assert product(desk, "SHOE-38").brand == "Lelia"  # the file has no column for it
    assert amounts(desk, "SHOE-38") == (450000, 300000)
    with desk.database.reading() as session:
        assert things.gone(session, other, 10) == ["CHEESE"]
    assert not product(desk, "CHEESE").archived


def test_what_is_gone_is_archived_if_that_is_asked(desk: Desk) -> None:
    applied(desk, csv_file("sku", "A", "B", "C"))
    bad = csv_file("sku;unit", "A;pcs", "B;barrels")
    done = applied(desk, bad, skip_bad=True, archive_gone=True)
    assert (done.left_out, done.things_archived) == (1, 0)  # B is no less there, so who knows
    applied(desk, csv_file("sku", "A", "B", "C", ""))
    done = applied(desk, csv_file("sku;name", "A;Apple"), archive_gone=True)
    assert (done.gone_things, done.things_archived) == (2, 2)
    assert [product(desk, sku).archived for sku in "ABC"] == [False, True, True]


def test_bad_rows_are_named_by_row_and_column(desk: Desk) -> None:
    file = xlsx_file(
        ["Артикул", "SKU", "Штрихкод", "Категория", "Цена", "Ед.", "Картинка", "Маркировка"],
        ["a", "GOOD", "4006381333931", "shoes", 12.5, "шт", "https://example.com/a.png", "нет"],
        ["b", "CAT", None, "hats", 1, None, None, None],
        ["c", None, None, None, 1, None, None, None],
        ["d", "GOOD", None, None, 1, None, None, None],
        ["e", "CODE", "04006381333931", None, 1, None, None, None],
        ["f", "CENT", None, None, 1.234, None, None, None],
        ["g", "UNIT", None, None, 1, "бочка", None, None],
        ["h", "PICTURE", None, None, "много", None, "ftp://x", "кто знает"],
        ["i", "X" * 101, None, None, None, None, None, None],
        ["j", "LINK", None, None, None, None, "ftp://x", None],
    )
    import_ = checked(desk, file)
    assert (import_.rows, import_.bad, import_.new_things) == (10, 9, 1)
    assert sorted(problems(desk, import_)) == [
        (3, "category", "unknown_category"),
        (4, "sku", "cell_missing"),
        (5, "sku", "duplicate_in_file"),
        (6, "barcodes", "duplicate_in_file"),
        (7, "price", "too_many_decimals"),
        (8, "unit", "not_one_of"),
        (9, "marked", "not_yes_or_no"),
        (9, "price", "not_a_number"),
        (10, "sku", "product_refused"),
        (11, "picture", "product_refused"),
    ]
    with desk.database.reading() as session:  # and nothing was written by the check
        assert session.scalars(select(products.Product.sku)).all() == []
    importing.start(desk, import_.public_id, BY, skip_bad=True)
    while importing.advance(desk):
        pass
    assert importing.find(desk, import_.public_id).things_added == 1
    assert amounts(desk, "GOOD") == (1250, None)


def test_the_example_of_the_documentation_is_imported(desk: Desk) -> None:
    with (Path(__file__).parents[2] / "docs" / "examples" / "products.csv").open("rb") as file:
        assert applied(desk, file).things_added == 3
    assert product(desk, "SHOE-38").names == {"ru": "Туфли «Лодочка», 38", "en": "Court shoes, 38"}


def test_a_file_without_the_column_it_needs_is_refused(desk: Desk) -> None:
    with pytest.raises(FileRefused) as refused:
        checked(desk, csv_file("Артикул;Цена", "A;1"))
    assert refused.value.problem == "column_missing"


def test_many_products_stopped_in_the_middle_go_on(desk: Desk, monkeypatch) -> None:
    monkeypatch.setattr(store, "ROWS_IN_PART", 40)
    rows = [f"S-{n};Товар {n};{n}.50" for n in range(1, 131)]
    import_ = checked(desk, csv_file("sku;name;price", *rows))
    importing.start(desk, import_.public_id, BY, skip_bad=False)
    assert importing.advance(desk)
    put = things.ThingImport.apply

    def killed(*args: object) -> None:
        put(*args)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(things.ThingImport, "apply", killed)
        with pytest.raises(KeyboardInterrupt):
            importing.advance(desk)
    assert importing.find(desk, import_.public_id).applied == 40
    while importing.advance(desk):
        pass
    done = importing.find(desk, import_.public_id)
    assert (done.applied, done.things_added, done.state) == (130, 130, "done")
    with desk.database.reading() as session:
        assert len(session.scalars(select(products.Product.sku)).all()) == 130


def test_prices_come_by_group_and_by_day(desk: Desk, clock) -> None:
    applied(desk, csv_file("sku;price", "SOCKS;299.00"))
    today = clock().astimezone(UTC).date()
    year = today.year + 1
    file = (
        "Код;Цена;Группа магазинов;Действует с;Действует по",
        "SOCKS;249,00;Москва;;",
        f"SOCKS;199,00;;01.03.{year};08.03.{year}",
        "HAT;1,00;;;",
        "SOCKS;;Казань;;",
    )
    import_ = checked(desk, csv_file(*file, encoding="cp1251"), "prices")
    assert problems(desk, import_) == [(4, "sku", "unknown_product"), (5, "price", "cell_missing")]
    done = applied(desk, csv_file(*file, encoding="cp1251"), "prices", skip_bad=True)
    assert (done.applied, done.left_out) == (2, 2)

    def cost(month: int, day: int, hour: int, group: str | None = None) -> int | None:
        moment = datetime(year, month, day, hour, tzinfo=UTC)
        return amounts(desk, "SOCKS", moment, group)[0]

    assert amounts(desk, "SOCKS")[0] == 29900
    # By the clock of the programme, Moscow's: three hours before UTC.
    assert [cost(2, 28, 20), cost(2, 28, 22), cost(3, 8, 20), cost(3, 8, 22)] == [
        *(29900, 19900),
        *(19900, 29900),
    ]
    again = applied(desk, csv_file(*file[:3]), "prices")
    assert told(again) == (0, 0, 2, 0)


def test_stores_come_and_go(desk: Desk) -> None:
    with desk.database.transaction() as session:
        programme = programmes.by_code(session, "demo")
        wanted = StoreTerms("vl", "Светланская", "Дальний Восток", "Asia/Vladivostok")
        stores.put_store(session, programme.id, wanted, desk.clock())
    file = ("Код;Название;Часовой пояс", "vl;Светланская, 1;Asia/Vladivostok", "kz;Казань;")
    done = applied(desk, csv_file(*file, encoding="cp1251"), "stores")
    assert told(done) == (1, 1, 0, 0)
    with desk.database.reading() as session:
        id_ = programmes.by_code(session, "demo").id
        store_ = stores.store_named(session, id_, "vl")
        assert (store_.name, store_.group) == ("Светланская, 1", "Дальний Восток")
    bad = checked(desk, csv_file("code;timezone", "vl;Mars/Olympus", "a/b;"), "stores")
    assert problems(desk, bad) == [(2, "timezone", "store_refused"), (3, "code", "store_refused")]
    gone = applied(desk, csv_file("code", "kz"), "stores", archive_gone=True)
    assert (gone.gone_things, gone.things_archived) == (1, 1)
    with desk.database.reading() as session:
        assert stores.store_named(session, id_, "vl").closed


def test_the_command_says_what_changed(desk: Desk, wallet, tmp_path) -> None:
    file = tmp_path / "goods.csv"
    file.write_text("sku;name;price\nA;Чай;12,50\nB;Кофе;1 000,00\nC;Мыло;мало\n", "utf-8")
    arguments = ("import", "products", str(file), "--programme", "demo")
    preview = wallet(*arguments, "--preview")
    assert "Rows: 3; new: 2, changed: 0, unchanged: 0" in preview.output, preview.output
    assert "Row 4, price: Not a number" in preview.output, preview.output
    refused = wallet(*arguments)
    assert refused.exit_code == 1, refused.output
    assert "goods-left-out.csv" in refused.output
    assert "New: 2, changed: 0, unchanged: 0" in wallet(*arguments, "--skip-bad").output
    file.write_text("sku;name\nA;Чай\n", "utf-8")
    again = wallet(*arguments, "--lang", "ru").output
    assert "Ничего не изменилось" in again
    assert "Были в прошлом файле, в этом их нет: 1: B" in again


def test_who_is_erased_is_not_looked_for_among_goods(desk: Desk, api, join) -> None:
    member = join(external_id="c-1")
    import_ = checked(desk, csv_file("sku;name", "c-1;Чай"))
    assert api.delete(f"members/{member['id']}").status_code in (200, 202, 204)
    importing.start(desk, import_.public_id, BY, skip_bad=False)
    while importing.advance(desk):
        pass
    assert importing.find(desk, import_.public_id).things_added == 1

"""The database itself refuses to change or delete what was posted, whichever program asks.

Only one change is let through: taking the words off a posting, since they may name a person who
asked to be erased. A migration that rebuilds one of these tables on SQLite drops its triggers with
it, and has to call `guard` again."""

from sqlalchemy import Connection

TABLES = ("ledger_posting", "ledger_entry", "ledger_lot_move")
WORDS = ("reason",)
KEPT = (
    "id",
    "public_id",
    "programme_id",
    "kind",
    "receipt",
    "store",
    "promotion",
    "card_id",
    "reverses_id",
    "undoes",
    "occurred_at",
    "posted_at",
)
REFUSAL = "the book is append-only"


def guard(connection: Connection) -> None:
    if connection.dialect.name == "sqlite":
        _guard_sqlite(connection)
    else:
        _guard_postgres(connection)


def lift(connection: Connection) -> None:
    if connection.dialect.name == "sqlite":
        for table in TABLES:
            for deed in ("update", "delete"):
                connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {table}_no_{deed}")
        return
    for table in TABLES:
        connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {table}_append_only ON {table}")
        connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {table}_no_truncate ON {table}")
    connection.exec_driver_sql("DROP TRIGGER IF EXISTS ledger_entry_balanced ON ledger_entry")
    for function in ("ledger_refuse", "ledger_only_words", "ledger_balanced"):
        connection.exec_driver_sql(f"DROP FUNCTION IF EXISTS {function}()")


def _guard_sqlite(connection: Connection) -> None:
    same = " AND ".join(f"new.{name} IS old.{name}" for name in KEPT)
    wordless = " AND ".join(f"new.{name} IS NULL" for name in WORDS)
    for table in TABLES:
        unless = f"WHEN NOT ({same} AND {wordless})" if table == "ledger_posting" else ""
        for deed, condition in (("update", unless), ("delete", "")):
            connection.exec_driver_sql(
                f"CREATE TRIGGER {table}_no_{deed} BEFORE {deed.upper()} ON {table} {condition}"
                f" BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END"
            )


def _guard_postgres(connection: Connection) -> None:
    same = " AND ".join(f"new.{name} IS NOT DISTINCT FROM old.{name}" for name in KEPT)
    wordless = " AND ".join(f"new.{name} IS NULL" for name in WORDS)
    connection.exec_driver_sql(
        "CREATE FUNCTION ledger_refuse() RETURNS trigger LANGUAGE plpgsql AS $$"
        f" BEGIN RAISE EXCEPTION '{REFUSAL}'; END $$"
    )
    connection.exec_driver_sql(
        "CREATE FUNCTION ledger_only_words() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        f" IF TG_OP = 'UPDATE' AND {same} AND {wordless} THEN RETURN new; END IF;"
        f" RAISE EXCEPTION '{REFUSAL}'; END $$"
    )
    # Once for each statement, over all its rows: a batch costs no more than a single posting.
    connection.exec_driver_sql(
        "CREATE FUNCTION ledger_balanced() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " IF EXISTS (SELECT FROM added GROUP BY posting_id HAVING sum(amount) <> 0) THEN"
        " RAISE EXCEPTION 'the entries of a posting sum to zero'; END IF; RETURN NULL; END $$"
    )
    for table in TABLES:
        function = "ledger_only_words" if table == "ledger_posting" else "ledger_refuse"
        connection.exec_driver_sql(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table}"
            f" FOR EACH ROW EXECUTE FUNCTION {function}()"
        )
        connection.exec_driver_sql(
            f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse()"
        )
    connection.exec_driver_sql(
        "CREATE TRIGGER ledger_entry_balanced AFTER INSERT ON ledger_entry"
        " REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION ledger_balanced()"
    )


# --- Seals: a later migration's ----------------------------------------------------------------

SEALS = ("ledger_seal", "ledger_root", "ledger_block")
SEALED = ("posting_id", "programme_id", "number", "public_id", "leaf", "chain", "note_hash")


def guard_seals(connection: Connection) -> None:
    """Forbid changes of seals and roots. One thing is let through and done by itself: when a
    posting loses its words, its seal loses the salt of their note."""
    if connection.dialect.name == "sqlite":
        _guard_seals_sqlite(connection)
    else:
        _guard_seals_postgres(connection)


def lift_seals(connection: Connection) -> None:
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("DROP TRIGGER IF EXISTS ledger_posting_forget_salt")
        for table in SEALS:
            for deed in ("update", "delete"):
                connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {table}_no_{deed}")
        return
    connection.exec_driver_sql(
        "DROP TRIGGER IF EXISTS ledger_posting_forget_salt ON ledger_posting"
    )
    for table in SEALS:
        connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {table}_append_only ON {table}")
        connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {table}_no_truncate ON {table}")
    for function in ("ledger_forget_salt", "ledger_only_salt"):
        connection.exec_driver_sql(f"DROP FUNCTION IF EXISTS {function}()")


def _guard_seals_sqlite(connection: Connection) -> None:
    same = " AND ".join(f"new.{name} IS old.{name}" for name in SEALED)
    for table in SEALS:
        unless = f"WHEN NOT ({same} AND new.note_salt IS NULL)" if table == "ledger_seal" else ""
        for deed, condition in (("update", unless), ("delete", "")):
            connection.exec_driver_sql(
                f"CREATE TRIGGER {table}_no_{deed} BEFORE {deed.upper()} ON {table} {condition}"
                f" BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END"
            )
    connection.exec_driver_sql(
        "CREATE TRIGGER ledger_posting_forget_salt AFTER UPDATE ON ledger_posting"
        " WHEN new.reason IS NULL AND old.reason IS NOT NULL BEGIN"
        " UPDATE ledger_seal SET note_salt = NULL WHERE posting_id = new.id; END"
    )


def _guard_seals_postgres(connection: Connection) -> None:
    same = " AND ".join(f"new.{name} IS NOT DISTINCT FROM old.{name}" for name in SEALED)
    connection.exec_driver_sql(
        "CREATE FUNCTION ledger_only_salt() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        f" IF TG_OP = 'UPDATE' AND {same} AND new.note_salt IS NULL THEN RETURN new; END IF;"
        f" RAISE EXCEPTION '{REFUSAL}'; END $$"
    )
    # The lock keeps out a turn that has read the words already and not yet written their salt.
    connection.exec_driver_sql(
        "CREATE FUNCTION ledger_forget_salt() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " PERFORM FROM ledger_sealing FOR SHARE;"
        " UPDATE ledger_seal SET note_salt = NULL"
        " WHERE posting_id = new.id AND note_salt IS NOT NULL; RETURN NULL; END $$"
    )
    for table in SEALS:
        function = "ledger_only_salt" if table == "ledger_seal" else "ledger_refuse"
        connection.exec_driver_sql(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table}"
            f" FOR EACH ROW EXECUTE FUNCTION {function}()"
        )
        connection.exec_driver_sql(
            f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse()"
        )
    connection.exec_driver_sql(
        "CREATE TRIGGER ledger_posting_forget_salt AFTER UPDATE ON ledger_posting FOR EACH ROW"
        " WHEN (new.reason IS NULL AND old.reason IS NOT NULL)"
        " EXECUTE FUNCTION ledger_forget_salt()"
    )


# --- The record of changes: a later migration's ------------------------------------------------

CHANGES = ("wallet_change", "wallet_change_personal")
NOTED = (
    "id",
    "at",
    "author_kind",
    "author_name",
    "programme_id",
    "code",
    "of_kind",
    "of_id",
    "member_id",
    "fields",
    "personal_hash",
)
ERASED = "EXISTS (SELECT 1 FROM ledger_member WHERE id = old.member_id AND erased_at IS NOT NULL)"
RECORD_REFUSAL = "the record of changes is append-only"


def guard_changes(connection: Connection) -> None:
    """Forbid changes of what was noted. Two things are let through: a line gets its place in the
    chain, once; and the personal part of a line goes with a member who is erased."""
    if connection.dialect.name == "sqlite":
        _guard_changes_sqlite(connection)
    else:
        _guard_changes_postgres(connection)


def lift_changes(connection: Connection) -> None:
    if connection.dialect.name == "sqlite":
        for table in CHANGES:
            for deed in ("update", "delete"):
                connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {table}_no_{deed}")
        return
    for table in CHANGES:
        connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {table}_append_only ON {table}")
        connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {table}_no_truncate ON {table}")
    for function in ("wallet_change_only_place", "wallet_change_only_erased", "wallet_refuse"):
        connection.exec_driver_sql(f"DROP FUNCTION IF EXISTS {function}()")


def _guard_changes_sqlite(connection: Connection) -> None:
    same = " AND ".join(f"new.{name} IS old.{name}" for name in NOTED)
    placed = f"WHEN NOT ({same} AND old.number IS NULL AND new.number IS NOT NULL)"
    for table, deed, unless in (
        ("wallet_change", "update", placed),
        ("wallet_change", "delete", ""),
        ("wallet_change_personal", "update", ""),
        ("wallet_change_personal", "delete", f"WHEN NOT {ERASED}"),
    ):
        connection.exec_driver_sql(
            f"CREATE TRIGGER {table}_no_{deed} BEFORE {deed.upper()} ON {table} {unless}"
            f" BEGIN SELECT RAISE(ABORT, '{RECORD_REFUSAL}'); END"
        )


def _guard_changes_postgres(connection: Connection) -> None:
    same = " AND ".join(f"new.{name} IS NOT DISTINCT FROM old.{name}" for name in NOTED)
    for function, unless in (
        ("wallet_refuse", ""),
        (
            "wallet_change_only_place",
            f"IF TG_OP = 'UPDATE' AND {same} AND old.number IS NULL AND new.number IS NOT NULL"
            " THEN RETURN new; END IF;",
        ),
        (
            "wallet_change_only_erased",
            f"IF TG_OP = 'DELETE' AND {ERASED} THEN RETURN old; END IF;",
        ),
    ):
        connection.exec_driver_sql(
            f"CREATE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {unless}"
            f" RAISE EXCEPTION '{RECORD_REFUSAL}'; END $$"
        )
    for table, function in zip(
        CHANGES, ("wallet_change_only_place", "wallet_change_only_erased"), strict=True
    ):
        connection.exec_driver_sql(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table}"
            f" FOR EACH ROW EXECUTE FUNCTION {function}()"
        )
        connection.exec_driver_sql(
            f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION wallet_refuse()"
        )

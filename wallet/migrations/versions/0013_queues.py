"""Queues that are emptied as quickly as they are filled"""

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

LEASED = ("apple_push", "google_due")
QUEUES = (*LEASED, "ledger_outbox")

# PostgreSQL's own settings are for tables that grow. Here every row is soon a dead one, however few
# there are at the moment: they are cleared away by number and not by share, and at once. To count
# the rows tells nothing, since they are gone a minute later: no plan is made by such counts.
OF_A_QUEUE = {
    "autovacuum_vacuum_scale_factor": "0",
    "autovacuum_vacuum_threshold": "2000",
    "autovacuum_vacuum_cost_delay": "0",
    "autovacuum_analyze_scale_factor": "0",
    "autovacuum_analyze_threshold": "2147483647",
}
# Room on each page for what a lease changes: then no index has to hear of it.
OF_PUSHES = {"fillfactor": "50"}


def upgrade() -> None:
    for table in LEASED:
        _index(table, ["due_at"])
    if op.get_bind().dialect.name == "postgresql":
        for table in QUEUES:
            _set(table, OF_A_QUEUE)
        _set("apple_push", OF_PUSHES)


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        for table in QUEUES:
            op.execute(f"ALTER TABLE {table} RESET ({', '.join(OF_A_QUEUE)})")
        op.execute(f"ALTER TABLE apple_push RESET ({', '.join(OF_PUSHES)})")
    for table in LEASED:
        _index(table, ["due_at", "lease_until"])


def _index(table: str, columns: list[str]) -> None:
    name = f"ix_{table}_due"
    op.drop_index(name, table)
    op.create_index(name, table, columns)


def _set(table: str, parameters: dict[str, str]) -> None:
    settings = ", ".join(f"{name} = {value}" for name, value in parameters.items())
    op.execute(f"ALTER TABLE {table} SET ({settings})")

"""Products with their barcodes, categories, prices and floors"""

import sqlalchemy as sa
from alembic import op

from ledger.database.tables import Identifier, Instant, JsonDocument

revision = "0044"
down_revision = "0043"
branch_labels = None
depends_on = None

CATEGORY, PRODUCT, BARCODE = "ledger_category", "ledger_product", "ledger_product_barcode"
PRICE, FLOOR = "ledger_product_price", "ledger_price_floor"


def _refers(table: str, column: str, to: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{to}.id"], name=op.f(f"fk_{table}_{column}"))


def upgrade() -> None:
    op.create_table(
        CATEGORY,
        sa.Column("id", Identifier, nullable=False),
        sa.Column("programme_id", Identifier, nullable=False),
        sa.Column("code", sa.String(100), nullable=False),
        sa.Column("names", JsonDocument, nullable=False),
        sa.Column("parent_id", Identifier, nullable=True),
        sa.Column("revision", Identifier, nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("changed_at", Instant(), nullable=False),
        _refers(CATEGORY, "parent_id", CATEGORY),
        _refers(CATEGORY, "programme_id", "ledger_programme"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_category")),
        sa.UniqueConstraint(
            "programme_id", "code", name=op.f("uq_ledger_category_programme_id_code")
        ),
    )
    op.create_index(op.f("ix_ledger_category_parent_id"), CATEGORY, ["parent_id"])
    op.create_table(
        PRODUCT,
        sa.Column("id", Identifier, nullable=False),
        sa.Column("programme_id", Identifier, nullable=False),
        sa.Column("sku", sa.String(100), nullable=False),
        sa.Column("article", sa.String(100), nullable=True),
        sa.Column("names", JsonDocument, nullable=False),
        sa.Column("category_id", Identifier, nullable=True),
        sa.Column("brand", sa.String(100), nullable=True),
        sa.Column("model", sa.String(100), nullable=True),
        sa.Column("properties", JsonDocument, nullable=False),
        sa.Column("unit", sa.String(4), nullable=False),
        sa.Column("kind", sa.String(12), nullable=False),
        sa.Column("otherwise", JsonDocument, nullable=False),
        sa.Column("vat", sa.String(20), nullable=True),
        sa.Column("marked", sa.Boolean(), nullable=False),
        sa.Column("picture", sa.String(500), nullable=True),
        sa.Column("availability", sa.String(12), nullable=False),
        sa.Column("stores", JsonDocument, nullable=False),
        sa.Column("archived", sa.Boolean(), nullable=False),
        sa.Column("revision", Identifier, nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("changed_at", Instant(), nullable=False),
        _refers(PRODUCT, "category_id", CATEGORY),
        _refers(PRODUCT, "programme_id", "ledger_programme"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_product")),
        sa.UniqueConstraint("programme_id", "sku", name=op.f("uq_ledger_product_programme_id_sku")),
    )
    op.create_index(op.f("ix_ledger_product_category_id"), PRODUCT, ["category_id"])
    op.create_index("ix_ledger_product_listed", PRODUCT, ["programme_id", "id"])
    op.create_table(
        BARCODE,
        sa.Column("programme_id", Identifier, nullable=False),
        sa.Column("key", sa.String(80), nullable=False),
        sa.Column("code", sa.String(80), nullable=False),
        sa.Column("product_id", Identifier, nullable=False),
        _refers(BARCODE, "product_id", PRODUCT),
        _refers(BARCODE, "programme_id", "ledger_programme"),
        sa.PrimaryKeyConstraint("programme_id", "key", name=op.f("pk_ledger_product_barcode")),
    )
    op.create_index(op.f("ix_ledger_product_barcode_product_id"), BARCODE, ["product_id"])
    op.create_table(
        PRICE,
        sa.Column("id", Identifier, nullable=False),
        sa.Column("programme_id", Identifier, nullable=False),
        sa.Column("product_id", Identifier, nullable=False),
        sa.Column("group", sa.String(60), nullable=False),
        sa.Column("since", Instant(), nullable=False),
        sa.Column("amount", Identifier, nullable=True),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("said_at", Instant(), nullable=False),
        sa.CheckConstraint("amount >= 0", name=op.f("ck_ledger_product_price_amount")),
        _refers(PRICE, "product_id", PRODUCT),
        _refers(PRICE, "programme_id", "ledger_programme"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_product_price")),
        sa.UniqueConstraint(
            "product_id",
            "group",
            "since",
            name=op.f("uq_ledger_product_price_product_id_group_since"),
        ),
    )
    op.create_index("ix_ledger_product_price_listed", PRICE, ["programme_id", "id"])
    op.create_table(
        FLOOR,
        sa.Column("id", Identifier, nullable=False),
        sa.Column("programme_id", Identifier, nullable=False),
        sa.Column("product_id", Identifier, nullable=True),
        sa.Column("category_id", Identifier, nullable=True),
        sa.Column("since", Instant(), nullable=False),
        sa.Column("amount", Identifier, nullable=True),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("said_at", Instant(), nullable=False),
        sa.CheckConstraint(
            "(product_id IS NULL) <> (category_id IS NULL)",
            name=op.f("ck_ledger_price_floor_of_one"),
        ),
        sa.CheckConstraint("amount >= 0", name=op.f("ck_ledger_price_floor_amount")),
        _refers(FLOOR, "category_id", CATEGORY),
        _refers(FLOOR, "product_id", PRODUCT),
        _refers(FLOOR, "programme_id", "ledger_programme"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_price_floor")),
        sa.UniqueConstraint(
            "category_id", "since", name=op.f("uq_ledger_price_floor_category_id_since")
        ),
        sa.UniqueConstraint(
            "product_id", "since", name=op.f("uq_ledger_price_floor_product_id_since")
        ),
    )
    op.create_index("ix_ledger_price_floor_listed", FLOOR, ["programme_id", "id"])


def downgrade() -> None:
    for table in (FLOOR, PRICE, BARCODE, PRODUCT, CATEGORY):
        op.drop_table(table)

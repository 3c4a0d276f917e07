"""First schema"""

import sqlalchemy as sa
from alembic import op

from ledger.database.tables import Identifier, Instant, JsonDocument

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "apple_complaint",
        sa.Column("id", Identifier, nullable=False),
        sa.Column("received_at", Instant(), nullable=False),
        sa.Column("line", sa.String(length=600), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_apple_complaint")),
    )
    op.create_table(
        "apple_device",
        sa.Column("id", Identifier, nullable=False),
        sa.Column("library_id", sa.String(length=200), nullable=False),
        sa.Column("pass_type", sa.String(length=155), nullable=False),
        sa.Column("push_token", sa.String(length=200), nullable=False),
        sa.Column("refreshed_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_apple_device")),
        sa.UniqueConstraint(
            "library_id", "pass_type", name=op.f("uq_apple_device_library_id_pass_type")
        ),
    )
    op.create_table(
        "apple_push",
        sa.Column("device_id", Identifier, autoincrement=False, nullable=False),
        sa.Column("pass_id", Identifier, autoincrement=False, nullable=False),
        sa.Column("due_at", Instant(), nullable=False),
        sa.Column("lease_until", Instant(), nullable=False),
        sa.Column("generation", Identifier, nullable=False),
        sa.Column("attempts", Identifier, nullable=False),
        sa.Column("last_reason", sa.String(length=100), nullable=True),
        sa.PrimaryKeyConstraint("device_id", "pass_id", name=op.f("pk_apple_push")),
    )
    with op.batch_alter_table("apple_push", schema=None) as batch_op:
        batch_op.create_index("ix_apple_push_due", ["due_at", "lease_until"], unique=False)

    op.create_table(
        "ledger_account",
        sa.Column("id", Identifier, nullable=False),
        sa.Column("programme_id", Identifier, nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("member_id", Identifier, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_account")),
        sa.UniqueConstraint(
            "programme_id",
            "kind",
            "member_id",
            name=op.f("uq_ledger_account_programme_id_kind_member_id"),
        ),
    )
    with op.batch_alter_table("ledger_account", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_ledger_account_member_id"), ["member_id"], unique=False
        )

    op.create_table(
        "ledger_balance",
        sa.Column("account_id", Identifier, autoincrement=False, nullable=False),
        sa.Column("available", Identifier, nullable=False),
        sa.Column("pending", Identifier, nullable=False),
        sa.Column("held", Identifier, nullable=False),
        sa.Column("next_change_at", Instant(), nullable=False),
        sa.CheckConstraint(
            "available >= 0 AND available <= 9007199254740991",
            name=op.f("ck_ledger_balance_available"),
        ),
        sa.CheckConstraint(
            "held >= 0 AND held <= 9007199254740991", name=op.f("ck_ledger_balance_held")
        ),
        sa.CheckConstraint(
            "pending >= 0 AND pending <= 9007199254740991", name=op.f("ck_ledger_balance_pending")
        ),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_ledger_balance")),
    )
    with op.batch_alter_table("ledger_balance", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_ledger_balance_next_change_at"), ["next_change_at"], unique=False
        )

    op.create_table(
        "ledger_lot",
        sa.Column("id", Identifier, nullable=False),
        sa.Column("account_id", Identifier, nullable=False),
        sa.Column("posting_id", Identifier, nullable=False),
        sa.Column("activates_at", Instant(), nullable=False),
        sa.Column("expires_at", Instant(), nullable=False),
        sa.Column("amount", Identifier, nullable=False),
        sa.Column("remaining", Identifier, nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.CheckConstraint("amount > 0", name=op.f("ck_ledger_lot_amount")),
        sa.CheckConstraint(
            "remaining >= 0 AND remaining <= amount", name=op.f("ck_ledger_lot_remaining")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_lot")),
    )
    with op.batch_alter_table("ledger_lot", schema=None) as batch_op:
        batch_op.create_index(
            "ix_ledger_lot_open",
            ["account_id", "expires_at", "id"],
            unique=False,
            postgresql_where=sa.text("remaining > 0"),
            sqlite_where=sa.text("remaining > 0"),
        )

    op.create_table(
        "ledger_lot_move",
        sa.Column("posting_id", Identifier, autoincrement=False, nullable=False),
        sa.Column("lot_id", Identifier, autoincrement=False, nullable=False),
        sa.Column("amount", Identifier, nullable=False),
        sa.PrimaryKeyConstraint("posting_id", "lot_id", name=op.f("pk_ledger_lot_move")),
    )
    op.create_table(
        "ledger_outbox",
        sa.Column("id", Identifier, nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("payload", JsonDocument, nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("not_before", Instant(), nullable=False),
        sa.Column("attempts", Identifier, nullable=False),
        sa.Column("last_error", sa.String(length=300), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_outbox")),
    )
    with op.batch_alter_table("ledger_outbox", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_ledger_outbox_not_before"), ["not_before"], unique=False
        )

    op.create_table(
        "ledger_posting",
        sa.Column("id", Identifier, nullable=False),
        sa.Column("public_id", sa.String(length=36), nullable=False),
        sa.Column("programme_id", Identifier, nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=True),
        sa.Column("receipt", sa.String(length=100), nullable=True),
        sa.Column("occurred_at", Instant(), nullable=False),
        sa.Column("posted_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_posting")),
        sa.UniqueConstraint("public_id", name=op.f("uq_ledger_posting_public_id")),
    )
    op.create_table(
        "ledger_programme",
        sa.Column("id", Identifier, nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("locale", sa.String(length=10), nullable=False),
        sa.Column("timezone", sa.String(length=60), nullable=False),
        sa.Column("points_live_days", Identifier, nullable=True),
        sa.Column("created_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_programme")),
        sa.UniqueConstraint("code", name=op.f("uq_ledger_programme_code")),
    )
    op.create_table(
        "ledger_request",
        sa.Column("scope", sa.String(length=100), nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("body_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("status", Identifier, nullable=True),
        sa.Column("answer", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("scope", "key", name=op.f("pk_ledger_request")),
    )
    op.create_table(
        "wallet_pass_tag",
        sa.Column("pass_type", sa.String(length=155), nullable=False),
        sa.Column("tag", Identifier, nullable=False),
        sa.PrimaryKeyConstraint("pass_type", name=op.f("pk_wallet_pass_tag")),
    )
    op.create_table(
        "ledger_entry",
        sa.Column("posting_id", Identifier, nullable=False),
        sa.Column("line", Identifier, autoincrement=False, nullable=False),
        sa.Column("account_id", Identifier, nullable=False),
        sa.Column("amount", Identifier, nullable=False),
        sa.Column("balance_after", Identifier, nullable=True),
        sa.CheckConstraint("amount <> 0", name=op.f("ck_ledger_entry_amount")),
        sa.ForeignKeyConstraint(
            ["posting_id"], ["ledger_posting.id"], name=op.f("fk_ledger_entry_posting_id")
        ),
        sa.PrimaryKeyConstraint("posting_id", "line", name=op.f("pk_ledger_entry")),
    )
    with op.batch_alter_table("ledger_entry", schema=None) as batch_op:
        batch_op.create_index(
            "ix_ledger_entry_statement",
            ["account_id", "posting_id"],
            unique=False,
            postgresql_where=sa.text("balance_after IS NOT NULL"),
            sqlite_where=sa.text("balance_after IS NOT NULL"),
        )

    op.create_table(
        "ledger_member",
        sa.Column("id", Identifier, nullable=False),
        sa.Column("public_id", sa.String(length=36), nullable=False),
        sa.Column("programme_id", Identifier, nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(
            ["programme_id"], ["ledger_programme.id"], name=op.f("fk_ledger_member_programme_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_member")),
        sa.UniqueConstraint("public_id", name=op.f("uq_ledger_member_public_id")),
    )
    with op.batch_alter_table("ledger_member", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_ledger_member_programme_id"), ["programme_id"], unique=False
        )

    op.create_table(
        "wallet_template",
        sa.Column("id", Identifier, nullable=False),
        sa.Column("programme_id", Identifier, nullable=False),
        sa.Column("design", JsonDocument, nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(
            ["programme_id"], ["ledger_programme.id"], name=op.f("fk_wallet_template_programme_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_wallet_template")),
    )
    with op.batch_alter_table("wallet_template", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_wallet_template_programme_id"), ["programme_id"], unique=False
        )

    op.create_table(
        "wallet_wave",
        sa.Column("id", Identifier, nullable=False),
        sa.Column("programme_id", Identifier, nullable=False),
        sa.Column("after_id", Identifier, nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(
            ["programme_id"], ["ledger_programme.id"], name=op.f("fk_wallet_wave_programme_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_wallet_wave")),
    )
    op.create_table(
        "ledger_card",
        sa.Column("id", Identifier, nullable=False),
        sa.Column("number", sa.String(length=32), nullable=False),
        sa.Column("member_id", Identifier, nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(
            ["member_id"], ["ledger_member.id"], name=op.f("fk_ledger_card_member_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_card")),
        sa.UniqueConstraint("number", name=op.f("uq_ledger_card_number")),
    )
    with op.batch_alter_table("ledger_card", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_ledger_card_member_id"), ["member_id"], unique=False)

    op.create_table(
        "ledger_offer",
        sa.Column("id", Identifier, nullable=False),
        sa.Column("public_id", sa.String(length=36), nullable=False),
        sa.Column("programme_id", Identifier, nullable=False),
        sa.Column("member_id", Identifier, nullable=True),
        sa.Column("title", sa.String(length=100), nullable=False),
        sa.Column("text", sa.String(length=2000), nullable=False),
        sa.Column("starts_at", Instant(), nullable=False),
        sa.Column("ends_at", Instant(), nullable=False),
        sa.Column("turns_at", Instant(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(
            ["member_id"], ["ledger_member.id"], name=op.f("fk_ledger_offer_member_id")
        ),
        sa.ForeignKeyConstraint(
            ["programme_id"], ["ledger_programme.id"], name=op.f("fk_ledger_offer_programme_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_offer")),
        sa.UniqueConstraint("public_id", name=op.f("uq_ledger_offer_public_id")),
    )
    with op.batch_alter_table("ledger_offer", schema=None) as batch_op:
        batch_op.create_index(
            "ix_ledger_offer_shown", ["programme_id", "member_id", "ends_at"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_ledger_offer_turns_at"), ["turns_at"], unique=False)

    op.create_table(
        "ledger_person",
        sa.Column("member_id", Identifier, nullable=False),
        sa.Column("programme_id", Identifier, nullable=False),
        sa.Column("name", sa.String(length=300), nullable=True),
        sa.Column("phone", sa.String(length=20), nullable=True),
        sa.Column("email", sa.String(length=254), nullable=True),
        sa.Column("birthday", sa.Date(), nullable=True),
        sa.Column("locale", sa.String(length=10), nullable=True),
        sa.Column("external_id", sa.String(length=100), nullable=True),
        sa.ForeignKeyConstraint(
            ["member_id"], ["ledger_member.id"], name=op.f("fk_ledger_person_member_id")
        ),
        sa.ForeignKeyConstraint(
            ["programme_id"], ["ledger_programme.id"], name=op.f("fk_ledger_person_programme_id")
        ),
        sa.PrimaryKeyConstraint("member_id", name=op.f("pk_ledger_person")),
        sa.UniqueConstraint(
            "programme_id", "external_id", name=op.f("uq_ledger_person_programme_id_external_id")
        ),
    )
    with op.batch_alter_table("ledger_person", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_ledger_person_email"), ["email"], unique=False)
        batch_op.create_index(batch_op.f("ix_ledger_person_phone"), ["phone"], unique=False)

    op.create_table(
        "wallet_pass",
        sa.Column("id", Identifier, nullable=False),
        sa.Column("serial", sa.String(length=32), nullable=False),
        sa.Column("pass_type", sa.String(length=155), nullable=False),
        sa.Column("programme_id", Identifier, nullable=False),
        sa.Column("member_id", Identifier, nullable=False),
        sa.Column("key_id", sa.String(length=8), nullable=False),
        sa.Column("template_id", Identifier, nullable=False),
        sa.Column("version", Identifier, nullable=False),
        sa.Column("tag", Identifier, nullable=False),
        sa.Column("last_modified", Identifier, nullable=False),
        sa.Column("content", JsonDocument, nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(
            ["member_id"], ["ledger_member.id"], name=op.f("fk_wallet_pass_member_id")
        ),
        sa.ForeignKeyConstraint(
            ["programme_id"], ["ledger_programme.id"], name=op.f("fk_wallet_pass_programme_id")
        ),
        sa.ForeignKeyConstraint(
            ["template_id"], ["wallet_template.id"], name=op.f("fk_wallet_pass_template_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_wallet_pass")),
        sa.UniqueConstraint(
            "member_id", "pass_type", name=op.f("uq_wallet_pass_member_id_pass_type")
        ),
        sa.UniqueConstraint("serial", name=op.f("uq_wallet_pass_serial")),
    )
    with op.batch_alter_table("wallet_pass", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_wallet_pass_programme_id"), ["programme_id"], unique=False
        )

    op.create_table(
        "wallet_template_image",
        sa.Column("template_id", Identifier, nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["template_id"],
            ["wallet_template.id"],
            name=op.f("fk_wallet_template_image_template_id"),
        ),
        sa.PrimaryKeyConstraint("template_id", "name", name=op.f("pk_wallet_template_image")),
    )
    op.create_table(
        "apple_registration",
        sa.Column("device_id", Identifier, nullable=False),
        sa.Column("pass_id", Identifier, nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(
            ["device_id"],
            ["apple_device.id"],
            name=op.f("fk_apple_registration_device_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["pass_id"], ["wallet_pass.id"], name=op.f("fk_apple_registration_pass_id")
        ),
        sa.PrimaryKeyConstraint("device_id", "pass_id", name=op.f("pk_apple_registration")),
    )
    with op.batch_alter_table("apple_registration", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_apple_registration_pass_id"), ["pass_id"], unique=False
        )

    op.create_table(
        "apple_sealed_pass",
        sa.Column("pass_id", Identifier, nullable=False),
        sa.Column("version", Identifier, nullable=False),
        sa.Column("template_id", Identifier, nullable=False),
        sa.Column("signed_by", sa.String(length=64), nullable=False),
        sa.Column("pass_json", sa.LargeBinary(), nullable=False),
        sa.Column("manifest", sa.LargeBinary(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.Column("signed_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(
            ["pass_id"], ["wallet_pass.id"], name=op.f("fk_apple_sealed_pass_pass_id")
        ),
        sa.ForeignKeyConstraint(
            ["template_id"], ["wallet_template.id"], name=op.f("fk_apple_sealed_pass_template_id")
        ),
        sa.PrimaryKeyConstraint("pass_id", name=op.f("pk_apple_sealed_pass")),
    )
    op.create_table(
        "wallet_api_key",
        sa.Column("id", Identifier, nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("scopes", JsonDocument, nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("revoked_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_wallet_api_key")),
        sa.UniqueConstraint("digest", name=op.f("uq_wallet_api_key_digest")),
        sa.UniqueConstraint("name", name=op.f("uq_wallet_api_key_name")),
    )
    op.create_table(
        "wallet_source",
        sa.Column("id", Identifier, nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("programme_id", Identifier, nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(
            ["programme_id"],
            ["ledger_programme.id"],
            name=op.f("fk_wallet_source_programme_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_wallet_source")),
        sa.UniqueConstraint("name", name=op.f("uq_wallet_source_name")),
    )
    op.create_table(
        "wallet_source_secret",
        sa.Column("id", Identifier, nullable=False),
        sa.Column("source_id", Identifier, nullable=False),
        sa.Column("sealed", sa.String(length=300), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(
            ["source_id"],
            ["wallet_source.id"],
            name=op.f("fk_wallet_source_secret_source_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_wallet_source_secret")),
    )
    with op.batch_alter_table("wallet_source_secret", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_wallet_source_secret_source_id"), ["source_id"], unique=False
        )


def downgrade() -> None:
    op.drop_table("wallet_source_secret")
    op.drop_table("wallet_source")
    op.drop_table("wallet_api_key")
    op.drop_table("apple_sealed_pass")
    with op.batch_alter_table("apple_registration", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_apple_registration_pass_id"))

    op.drop_table("apple_registration")
    op.drop_table("wallet_template_image")
    with op.batch_alter_table("wallet_pass", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_wallet_pass_programme_id"))

    op.drop_table("wallet_pass")
    with op.batch_alter_table("ledger_person", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_ledger_person_phone"))
        batch_op.drop_index(batch_op.f("ix_ledger_person_email"))

    op.drop_table("ledger_person")
    with op.batch_alter_table("ledger_offer", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_ledger_offer_turns_at"))
        batch_op.drop_index("ix_ledger_offer_shown")

    op.drop_table("ledger_offer")
    with op.batch_alter_table("ledger_card", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_ledger_card_member_id"))

    op.drop_table("ledger_card")
    op.drop_table("wallet_wave")
    with op.batch_alter_table("wallet_template", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_wallet_template_programme_id"))

    op.drop_table("wallet_template")
    with op.batch_alter_table("ledger_member", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_ledger_member_programme_id"))

    op.drop_table("ledger_member")
    with op.batch_alter_table("ledger_entry", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_ledger_entry_statement",
            postgresql_where=sa.text("balance_after IS NOT NULL"),
            sqlite_where=sa.text("balance_after IS NOT NULL"),
        )

    op.drop_table("ledger_entry")
    op.drop_table("wallet_pass_tag")
    op.drop_table("ledger_request")
    op.drop_table("ledger_programme")
    op.drop_table("ledger_posting")
    with op.batch_alter_table("ledger_outbox", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_ledger_outbox_not_before"))

    op.drop_table("ledger_outbox")
    op.drop_table("ledger_lot_move")
    with op.batch_alter_table("ledger_lot", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_ledger_lot_open",
            postgresql_where=sa.text("remaining > 0"),
            sqlite_where=sa.text("remaining > 0"),
        )

    op.drop_table("ledger_lot")
    with op.batch_alter_table("ledger_balance", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_ledger_balance_next_change_at"))

    op.drop_table("ledger_balance")
    with op.batch_alter_table("ledger_account", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_ledger_account_member_id"))

    op.drop_table("ledger_account")
    with op.batch_alter_table("apple_push", schema=None) as batch_op:
        batch_op.drop_index("ix_apple_push_due")

    op.drop_table("apple_push")
    op.drop_table("apple_device")
    op.drop_table("apple_complaint")

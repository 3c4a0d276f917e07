"""The database under everything: connections, tables, statements; outbox and idempotency keys."""

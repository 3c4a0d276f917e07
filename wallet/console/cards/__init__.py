"""Pages about cards: their design, its revisions, the official badges."""

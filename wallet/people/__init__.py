"""People and all that the wallet keeps of them: gone for good, or with cards in wrong hands."""

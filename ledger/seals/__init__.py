"""Proof that nothing was changed: every posting has a seal, every day a signed root."""

"""How the parts of an installation are put together and kept at work."""

"""Kinds of imports, a file for each family of them."""

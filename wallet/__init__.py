"""Kopilka's wallet: how people see and hear of their points."""

__version__ = "0.1.0"

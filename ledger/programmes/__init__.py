"""Programmes: loyalty schemes, and what they count."""

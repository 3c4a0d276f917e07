"""Codes that are sent: back to one's card, and to spend without showing it."""

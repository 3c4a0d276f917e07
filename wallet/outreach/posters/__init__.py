"""Sheets to be printed, with a code that leads to the form for joining; and who joined by which."""

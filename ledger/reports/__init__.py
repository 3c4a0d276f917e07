"""Reports: figures by day, kept beside the book and made anew from it."""

"""Members: found, shown, and what is done with them."""

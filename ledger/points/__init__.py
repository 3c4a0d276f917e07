"""Points in, out and over to others: what happens to them, on the terms of their programme."""

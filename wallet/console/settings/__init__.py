"""How a programme works, where it is at home, and what it is made of."""

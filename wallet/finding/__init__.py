"""Back to one's card: who can read what comes to an address is led to the card that it is of."""

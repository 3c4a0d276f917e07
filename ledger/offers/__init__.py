"""Offers: what members are shown, in which languages, and for whom it is."""

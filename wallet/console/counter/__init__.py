"""The cashier's page: a guest comes, an act is done, and the next one comes."""

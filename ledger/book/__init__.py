"""The double-entry book: the only code that changes a balance.

Lock order, the same on every path, so that there are no deadlocks: the request's key, then balance
rows by ascending account id, then lots. The balance row is its account's mutex: lots are touched
only under it and need no locks of their own."""

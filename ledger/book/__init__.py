"""The double-entry book: the only code that changes a balance.

Locks are taken in one order on every path, so that there are no deadlocks: the key of the request,
then balance rows by ascending account id, then lots. The balance row is the mutex of its account:
lots are touched only while it is locked and need no locks of their own."""

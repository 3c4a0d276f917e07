"""`wallet conformance`: does a PassKit web service, ours or any other, keep Apple's rules?

A device that the service does not know takes passes, registers, asks, fetches and unregisters, and
each answer is compared with the rule that it falls under. `rules.py` has the rules and where each
comes from, `device.py` makes the requests, `inspection.py` goes through the rules in the order of a
pass's life, `report.py` tells what was found."""

"""`wallet conformance`: does a PassKit web service, ours or anybody's, keep Apple's rules?

A device that nobody has heard of takes passes, registers, asks, fetches and goes, and each answer
is held against the rule it falls under. `rules.py` has the rules and where each comes from,
`device.py` makes the requests, `inspection.py` goes through the rules in the order of a pass's
life, `report.py` tells what was found."""

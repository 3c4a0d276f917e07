"""Stand-in for Apple's push service: HTTP/2 over TLS for us, a control port for the virtual phones.

It asks for a client certificate or a provider token as Apple does, checks each push by "Sending
notification requests to APNs", and answers with Apple's reasons. No real phone hears of it; the
sandbox's phones listen at the control port, which speaks HTTP/1.1 on loopback only. Each answer
there is a line of JSON:

    GET  /pushes/<token>?after=<n>&wait=<seconds>
         {"count": 3, "last_at": "2026-05-01T10:00:00.000000+00:00"} as soon as more than n pushes
         were accepted for the token, else when the wait is over (a minute at most). Ask next time
         with the count just heard: it begins at 0 again in a new process, and for a token that
         was forgotten among thousands.
    POST /faults
         {"status": 410, "reason": "Unregistered", "timestamp": 1777629600000, "tokens": ["ab.."],
         "times": 5}  this in place of 200; without tokens for all, without times for good;
         {"goaway_after": 100}  GOAWAY at the 100th push from now, which is answered as well;
         {"drop_after": 100}  all connections cut at the 100th push: accepted, never answered;
         {"delay_ms": 50}  answers come later;  {"clear": true}  all is well again.
    GET  /stats
         {"accepted": 5000, "refused": 1, "connections": 1, "streams": 5001}
"""

from wallet.sandbox.apns.pushes import Push, PushAnswer
from wallet.sandbox.apns.server import RunningApns, run, running
from wallet.sandbox.apns.stand_in import ApnsStats, Heard, PushStandIn
from wallet.sandbox.apns.visitors import TeamKey, Visitor

__all__ = [
    "ApnsStats",
    "Heard",
    "Push",
    "PushAnswer",
    "PushStandIn",
    "RunningApns",
    "TeamKey",
    "Visitor",
    "run",
    "running",
]

"""Stand-in for Google Wallet: its REST API for loyalty cards, its tokens, its save links, and its
callbacks, over plain HTTP on loopback. No real phone hears of it; the sandbox's Android phone does.

Of Google's addresses it answers `/token`, `/walletobjects/v1/{loyaltyClass,loyaltyObject,jwt}`,
`/batch`, `/gp/v/save/<token>` (whoever opens it saves the card) and `/gp/m/issuer/keys`. Its own:

    GET  /phone/news?ids=<object id>,…&after=<revision>&wait=<seconds>
         {"revision": 7, "cards": [{"id", "revision", "held", "class", "object", "notices"}]}: the
         cards that are newer, as soon as there is one, else when the wait is over.
    POST /phone/remove
         {"id": "…"}  the person takes this card out of their wallet.
    POST /faults
         {"manner": "status", "status": 503, "reason": "backendError", "retry_after_s": 2,
         "where": "PATCH /walletobjects", "times": 2}  this in place of an answer, where method and
         path contain `where`; without times for good;
         {"manner": "lost"}  the work is done and the answer never comes;
         {"manner": "cut"}  the work is done, and the connection cut;
         {"manner": "silent"}  neither is: the connection is only half open;
         {"manner": "slow", "delay_s": 1.5}  all is done, later;
         {"manner": "shuffled", "where": "/batch"}  a batch is answered in another order; with "cut"
         half of it is done; faults whose `where` is a call's own strike that call of it alone;
         {"callbacks": ["duplicate", "late", "expired", "foreign_issuer", "bad_signature",
         "silence"]}  what callbacks are like from now on;
         {"forget_tokens": true}  401 until the caller asks for a new token;
         {"clear": true}  all is well again.
    GET  /stats
         {"requests": 12, "parts": 40, "refused": 1}
"""

from wallet.sandbox.google.account import ACCOUNT_FILE, SandboxAccount, ensure_account, token_uri
from wallet.sandbox.google.faults import CallFault
from wallet.sandbox.google.server import RunningGoogle, running
from wallet.sandbox.google.stand_in import GoogleStandIn

__all__ = [
    "ACCOUNT_FILE",
    "CallFault",
    "GoogleStandIn",
    "RunningGoogle",
    "SandboxAccount",
    "ensure_account",
    "running",
    "token_uri",
]

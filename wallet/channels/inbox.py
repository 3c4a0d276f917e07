"""What takes the place of all channels in the sandbox: messages go to the inbox beside the virtual
phones, and nothing leaves this machine."""

import requests

from wallet.channels.channel import NotTaken, Outgoing

LIMIT_S = 3.0
PATH = "/inbox"


class SandboxInbox:
    """The inbox of the sandbox whose phones are on this port."""

    def __init__(self, port: int) -> None:
        self._url = f"http://127.0.0.1:{port}{PATH}"

    def send(self, message: Outgoing) -> None:
        """As `Channel.send`."""
        told = {"to": message.to, "subject": message.subject, "text": message.text}
        try:
            with requests.Session() as session:
                session.trust_env = False
                answer = session.post(self._url, json=told, timeout=LIMIT_S)
        except requests.RequestException as error:
            raise NotTaken(type(error).__name__) from None
        if not answer.ok:
            raise NotTaken(f"answered {answer.status_code}")

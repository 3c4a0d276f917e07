"""A member's offers on their card's page."""

from werkzeug.test import Client


def taken(client: Client, member: dict, offer: dict) -> str:
    """Press the button that makes the member's coupon of this offer; the address of its page."""
    link = f"{member['links']['card']}/offers/{offer['id']}"
    assert client.post(link).status_code == 303
    return link

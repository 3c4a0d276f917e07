"""Where somebody comes from, as requests and guesses are counted."""

import ipaddress

HALF_OF_IPV6 = 64  # bits


def counted(origin: str) -> str:
    """The network address by which its visitor is counted. Of an address of IPv6 the first half
    counts: whoever has one has all that begin alike, and could come by another each time. What is
    no address is counted as it is."""
    try:
        address = ipaddress.ip_address(origin)
    except ValueError:
        return origin
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((address, HALF_OF_IPV6), strict=False))

"""Where a webhook may go. Pure, but for `reach`, which asks the resolver.

A URL is looked at when it is saved, for what anybody can see in it; the address behind a name is looked at when the
connection is made, every time and for every address of the name, since what a name means can change in between.
`ipaddress.is_private` and `is_global` miss several networks, so the list is our own (IANA's special-purpose
registries, RFC 6890, 6052, 3056, 4380, 6598).
"""

import re
import socket
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final
from urllib.parse import urlsplit

from governance.refusals import Invalid, Problem

# Reachable from a laptop or inside a company only; an installation can allow these.
PRIVATE: Final = tuple(
    ip_network(text)
    for text in (
        "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16",
        "::1/128", "fc00::/7",
    )
)  # fmt: skip
# Nobody's web server: metadata services, tunnels into other networks, multicast, documentation, unassigned space.
NEVER: Final = tuple(
    ip_network(text)
    for text in (
        "0.0.0.0/8", "169.254.0.0/16", "192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24",
        "192.88.99.0/24", "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4",
        "240.0.0.0/4",
        # Global unicast is 2000::/3. Outside it lie ::, mapped IPv4, NAT64, discard, ULA, link-local and multicast.
        "::/3", "4000::/2", "8000::/1",
        "2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20",
    )
)  # fmt: skip
PORTS: Final = frozenset({443, 4443, 8443, 9443})
_INNER_NAMES: Final = (
    "localhost", "local", "internal", "intranet", "private", "corp", "home", "lan", "svc", "cluster", "docker",
    "arpa", "invalid", "onion",
)  # fmt: skip
_PLAIN = re.compile(r"[!-~]{1,500}\Z")
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?\Z")

Address = IPv4Address | IPv6Address


class Unreachable(Exception):
    """The name leads nowhere that a webhook may go. The sentence never tells which address it stood for."""


def may_reach(address: Address, *, allow_private: bool) -> bool:
    """Whether a webhook may be sent to this address."""
    if any(address in network for network in PRIVATE):
        return allow_private
    return not any(address in network for network in NEVER)


def check_url(url: str, *, allow_private: bool) -> str:
    """The URL as it was given. Raises Invalid with a sentence when no webhook may ever go there."""
    reason = _objection(url, allow_private=allow_private)
    if reason:
        raise Invalid(reason, errors=[Problem("/url", "url", reason)])
    return url


def origin_of(url: str) -> str:
    """`scheme://host:port`, lower case and with the port written out. Two URLs of one origin go to one server."""
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    return f"{parts.scheme}://{f'[{host}]' if ':' in host else host}:{parts.port or _default_port(parts.scheme)}"


def reach(host: str, port: int, *, allow_private: bool) -> list[str]:
    """The addresses to connect to, in the resolver's order. Raises Unreachable when any one of them is forbidden."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise Unreachable("The name does not resolve.") from error
    addresses = [str(info[4][0]) for info in found]
    # A scoped address (fe80::1%eth0) does not parse as one that is listed, and is none that a webhook may reach.
    if any("%" in text or not may_reach(ip_address(text), allow_private=allow_private) for text in addresses):
        raise Unreachable("The name stands for an address that webhooks may not reach.")
    return list(dict.fromkeys(addresses))


def _objection(url: str, *, allow_private: bool) -> str | None:
    if not _PLAIN.match(url) or "\\" in url:
        return "A webhook address is plain ASCII without spaces, of at most 500 characters."
    try:
        parts = urlsplit(url)
        port, host = parts.port, (parts.hostname or "").lower()
    except ValueError:
        return "This is no web address."
    if parts.scheme not in ({"https", "http"} if allow_private else {"https"}):
        return "A webhook address begins with https://."
    if "@" in parts.netloc:
        return "A webhook address carries no user name or password."
    if parts.fragment:
        return "A webhook address has no fragment."
    if port is not None and port not in PORTS and not (allow_private and port >= 1024):
        return f"A webhook goes to port {', '.join(str(p) for p in sorted(PORTS))}."
    return _objection_to_host(host, allow_private=allow_private)


def _objection_to_host(host: str, *, allow_private: bool) -> str | None:
    try:
        address = ip_address(host)
    except ValueError:
        labels = host.removesuffix(".").split(".")
        if not all(_LABEL.match(label) for label in labels):
            return "This is no name of a server."
        # 2130706433, 0177.0.0.1 and 0x7f.1 are addresses to some resolvers; no top-level domain begins with a digit.
        if labels[-1][0].isdigit():
            return "Write the address of a server in its usual form."
        if not allow_private and (len(labels) < 2 or labels[-1] in _INNER_NAMES):
            return "This name means something only inside a network."
        return None
    if "%" in host or not may_reach(address, allow_private=allow_private):
        return "Webhooks may not reach this address."
    return None


def _default_port(scheme: str) -> int:
    return 443 if scheme == "https" else 80

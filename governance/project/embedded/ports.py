"""Free ports on the loopback address."""

import socket


def free_port(wanted: int | None = None) -> int:
    """A TCP port of 127.0.0.1 that nobody listens on: the wanted one if it is free, else any."""
    for port in (wanted or 0, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise OSError("127.0.0.1 has no free port.")

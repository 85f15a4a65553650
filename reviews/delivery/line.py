"""One HTTP POST to an address that nobody here controls, on a line that goes where it was allowed to go and no further.

Redirects are not followed, proxies of the environment are not used, answers are not decompressed and hardly read, and
one clock bounds the whole exchange, however slowly the other side drips.
"""

import ssl
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import httpcore

from reviews.delivery.addresses import Unreachable, reach

CONNECT_SECONDS = 5.0
TOTAL_SECONDS = 15.0
_READ_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one attempt: the HTTP status, or none and a sentence. `wait` is the seconds of Retry-After."""

    status: int | None
    problem: str = ""
    wait: int = 0

    @property
    def is_taken(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


class Line:
    """A connection to one endpoint, kept for the messages that follow. Used by one thread at a time."""

    def __init__(self, *, allow_private: bool, total: float = TOTAL_SECONDS) -> None:
        self._network = _Network(allow_private=allow_private)
        self._total = total
        self._pool = httpcore.ConnectionPool(
            ssl_context=_tls(), network_backend=self._network, max_connections=1, keepalive_expiry=30.0, retries=0
        )

    def post(self, url: str, *, headers: Mapping[str, str], body: bytes) -> Answer:
        """Sends once. Never raises for what the other side does: an Answer tells it."""
        self._network.until = time.monotonic() + self._total
        limits = {"connect": CONNECT_SECONDS, "read": self._total, "write": self._total, "pool": self._total}
        try:
            with self._pool.stream(
                "POST", url, headers=list(headers.items()), content=body, extensions={"timeout": limits}
            ) as response:
                status, wait = response.status, _retry_after(response.headers)
                _drain(response.iter_stream())
        except Unreachable as error:
            return Answer(None, str(error))
        except httpcore.TimeoutException:
            return Answer(None, f"No answer within {self._total:.0f} s.")
        except ssl.SSLError:
            return Answer(None, "The server's certificate could not be verified.")
        except (httpcore.NetworkError, httpcore.ProtocolError, OSError) as error:
            certificate = isinstance(error.__cause__ or error.__context__, ssl.SSLError)
            return Answer(None, "TLS could not be set up." if certificate else "The connection failed.")
        return Answer(status, _sentence(status), wait)

    def close(self) -> None:
        self._pool.close()


class _Network(httpcore.NetworkBackend):
    """Looks a name up once, judges every address it stands for, and connects to one of those very addresses."""

    def __init__(self, *, allow_private: bool) -> None:
        self.allow_private, self.until = allow_private, 0.0
        self._plain = httpcore.SyncBackend()

    def connect_tcp(
        self, host: str, port: int, timeout: float | None = None, local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:  # fmt: skip
        failure: Exception = Unreachable("The name does not resolve.")
        for address in reach(host, port, allow_private=self.allow_private):
            try:
                stream = self._plain.connect_tcp(address, port, timeout=_left(self.until, timeout))
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
            else:
                return _Stream(stream, self)
        raise failure


class _Stream(httpcore.NetworkStream):
    """A stream under the clock of the whole exchange."""

    def __init__(self, stream: httpcore.NetworkStream, network: _Network) -> None:
        self._stream, self._network = stream, network

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _left(self._network.until, timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _left(self._network.until, timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        left = _left(self._network.until, timeout)
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, left), self._network)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _left(until: float, timeout: float | None) -> float:
    left = until - time.monotonic()
    if left <= 0:
        raise httpcore.ReadTimeout
    return left if timeout is None else min(left, timeout)


def _drain(chunks: Iterable[bytes]) -> None:
    # A short answer is read, so that the connection can be used again; a long one is cut off with the connection.
    read = 0
    for chunk in chunks:
        read += len(chunk)
        if read > _READ_BYTES:
            return


def _retry_after(headers: Iterable[tuple[bytes, bytes]]) -> int:
    value = next((value for name, value in headers if name.lower() == b"retry-after"), b"")
    return min(int(value), 86_400) if value.isdigit() and len(value) < 9 else 0


def _sentence(status: int) -> str:
    if 200 <= status < 300:
        return ""
    if 300 <= status < 400:
        return f"It answered {status}; redirects are not followed."
    return f"It answered {status}."


@cache
def _tls() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    return context

"""Where a listener binds: `host:port`, loopback or not, and a socket on it."""

import ipaddress
import socket
from dataclasses import dataclass

from agent.errors import ConfigError, Unavailable

_BACKLOG = 2048


@dataclass(frozen=True, slots=True)
class Address:
    """A host and a port; port 0 lets the system choose."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach it."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    def bind(self) -> socket.socket:
        """Return a listening socket. Raises Unavailable."""
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        listener = socket.socket(family, socket.SOCK_STREAM)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((self.host, self.port))
            listener.listen(_BACKLOG)
        except OSError as error:
            listener.close()
            raise self.unavailable(error.strerror or "cannot bind") from None
        return listener

    def unavailable(self, why: str) -> Unavailable:
        """Return the error for an address that cannot be listened on."""
        return Unavailable(f"otlp: cannot listen on {self}: {why}. Is another collector running there? Set another address.")


def parse_address(key: str, text: str) -> Address:
    """Read `host:port` or `[v6]:port`. Raises ConfigError naming `key`.

    >>> parse_address("otlp.http", "127.0.0.1:4318")
    Address(host='127.0.0.1', port=4318)
    """
    host, _, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not host or not port.isdigit() or int(port) > 65_535:
        raise ConfigError(f"{key}: '{text}' is no address; write host:port, such as 127.0.0.1:4318")
    return Address(host, int(port))

"""Reads `host:port` to listen on, and refuses what other machines would reach by accident."""

import ipaddress

from agent.errors import ConfigError


def checked(listen: str, key: str, *, allow_insecure: bool | None = None) -> tuple[str, int]:
    """Split `host:port`. Raises ConfigError for a malformed one, or one beyond loopback without `allow_insecure`.

    `allow_insecure` is None where there is no such option.

    >>> checked("127.0.0.1:9464", "sinks.prometheus.listen")
    ('127.0.0.1', 9464)
    """
    host, _, port = listen.rpartition(":")
    host = host.strip("[]")
    if not host or "/" in host or not (port.isascii() and port.isdigit()) or int(port) > 65535:
        raise ConfigError(f"{key}: '{listen}' is not host:port; write 127.0.0.1 and a port, as in 127.0.0.1:4318")
    if not is_loopback(host) and not allow_insecure:
        otherwise = "" if allow_insecure is None else ", or set allow_insecure: true"
        raise ConfigError(f"{key}: {host} can be reached from other machines; listen on 127.0.0.1{otherwise}")
    return host, int(port)


def is_loopback(host: str) -> bool:
    """Tell whether only this machine reaches a host."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"

"""Whether the addresses a configuration listens on are free."""

import errno
import socket
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from agent.config import Config
from agent.doctor.remark import Remark

_KEYS = ("http", "grpc", "listen", "health")


def addresses(config: Config, *, running: bool) -> Iterator[Remark]:
    """Judge every `host:port` of sources and sinks; with a running agent they are taken by it."""
    wanted = dict(_addresses(config))
    seen: dict[str, str] = {}
    for key, address in wanted.items():
        if address in seen and not address.endswith(":0"):
            yield Remark("error", f"{key} and {seen[address]} both listen on {address}", f"give {key} another port")
        seen[address] = key
        trouble = None if running else _trouble(address)
        if trouble:
            yield Remark(
                "error", f"{key}: {address} {trouble}", f"ss -ltnp | grep {address.rpartition(':')[2]}, or give {key} another port"
            )
    if wanted and not running:
        yield Remark("note", f"no agent holds the state folder; addresses it will listen on: {', '.join(wanted.values())}")


def _addresses(config: Config) -> Iterator[tuple[str, str]]:
    sections: Mapping[str, Mapping[str, Any]] = {"sources": config.sources, "sinks": config.sinks}
    for section, components in sections.items():
        for name, component in components.items():
            if is_dataclass(component):
                for item in fields(component):
                    value = getattr(component, item.name)
                    if item.name in _KEYS and isinstance(value, str) and value.rpartition(":")[2].isdigit():
                        yield f"{section}.{name}.{item.name}", value
    health = getattr(config, "health", None)
    if isinstance(health, str):
        yield "health", health


def _trouble(address: str) -> str | None:
    host, _, port = address.rpartition(":")
    host = host.strip("[]") or "127.0.0.1"
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, int(port)))
        except OSError as error:
            return "is taken by another process" if error.errno == errno.EADDRINUSE else f"cannot be used: {error.strerror}"
    return None

"""Which process of which service sent something: two hashes, so that its spans and its metrics can be held against each other."""

from collections.abc import Mapping
from functools import lru_cache
from hashlib import blake2b

_SERVICE = ("service.namespace", "service.name")


def client_of(resource: Mapping[str, str]) -> str:
    """Return the name of a sender by its resource attributes: a hash of the service, a slash, a hash of everything.

    >>> client_of({"service.name": "shop"}).partition("/")[0] == client_of({"service.name": "shop", "pod": "7"}).partition("/")[0]
    True
    """
    return _client(tuple(resource.items()))


def service_of(client: str) -> str:
    """Return the part of a sender's name that all processes of its service share."""
    return client.partition("/")[0]


@lru_cache(maxsize=1024)
def _client(resource: tuple[tuple[str, str], ...]) -> str:
    named = dict(resource)
    return f"{_hash([named.get(name, '') for name in _SERVICE])}/{_hash(sorted(resource))}"


def _hash(said: object) -> str:
    return blake2b(repr(said).encode("utf-8", "replace"), digest_size=6).hexdigest()

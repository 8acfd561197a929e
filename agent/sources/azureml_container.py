"""The container Azure ML's data collector writes to: listing, reading, and Azure's errors in our words."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import unquote, urlsplit

import orjson
from azure.core.exceptions import AzureError, ClientAuthenticationError, HttpResponseError, ResourceNotFoundError
from azure.storage.blob import BlobPrefix, ContainerClient

from agent.errors import Transient
from agent.sources.azureml_blob import Blob, Vanished

LARGEST = 64 * 2**20
"""Bytes of a raw file a line may point to."""

_RETRIES: dict[str, Any] = {"retry_total": 3, "initial_backoff": 1, "increment_base": 2, "connection_timeout": 10, "read_timeout": 60}

# Each request would be a line at level INFO, with the names of blobs.
logging.getLogger("azure.core.pipeline.policies.http_logging_policy").setLevel(logging.WARNING)


class Container:
    """One container, read only."""

    def __init__(self, client: ContainerClient) -> None:
        self._client = client

    @property
    def url(self) -> str:
        """The address of the container."""
        return self._client.url

    @classmethod
    def connect(cls, account_url: str, connection_string: str | None, container: str) -> "Container":
        """Return the container; nothing is sent yet. Without a connection string the agent's Azure identity is used."""
        if connection_string is not None:
            return cls(ContainerClient.from_connection_string(connection_string, container, **_RETRIES))
        from azure.identity import DefaultAzureCredential  # noqa: PLC0415 (a second to import, needed only here)

        credential = DefaultAzureCredential(exclude_interactive_browser_credential=True)
        return cls(ContainerClient(account_url, container, credential=credential, **_RETRIES))

    def folders(self, prefix: str) -> list[str]:
        """Return the names of the folders directly below a prefix. Raises Transient."""
        with self._told():
            found = self._client.walk_blobs(name_starts_with=prefix, delimiter="/")
            return [item.name.removeprefix(prefix).rstrip("/") for item in found if isinstance(item, BlobPrefix)]

    def blobs(self, prefix: str) -> Iterator[Blob]:
        """Yield the blobs below a prefix. Raises Transient."""
        with self._told():
            for item in self._client.list_blobs(name_starts_with=prefix):
                yield Blob(item.name, item.size or 0, item.etag or "", str(item.creation_time))

    def reader(self, name: str) -> Callable[[int, int], bytes]:
        """Return a function that reads bytes of a blob. It raises Vanished or Transient."""

        def read(offset: int, length: int) -> bytes:
            with self._told():
                try:
                    return self._client.download_blob(name, offset=offset, length=length).readall()
                except ResourceNotFoundError as error:
                    raise Vanished(name) from error
                except HttpResponseError as error:
                    if error.status_code in {412, 416}:
                        # Changed or cut between listing and reading: the next poll sees it as it is then.
                        return b""
                    raise

        return read

    def load(self, address: str) -> list[Any]:
        """Return the rows of a raw file in this container. Raises ValueError with a reason to count, or Transient.

        Anything outside the container is refused: whoever can write a line must not choose where the agent's
        credential is sent.
        """
        own, asked = urlsplit(self.url), urlsplit(address)
        path = own.path.rstrip("/") + "/"
        if (asked.scheme, asked.netloc.lower()) != (own.scheme, own.netloc.lower()) or not asked.path.startswith(path):
            raise ValueError("dataref_refused")
        name = unquote(asked.path.removeprefix(path))
        try:
            content = self.reader(name)(0, LARGEST + 1)
        except Vanished:
            raise ValueError("dataref_missing") from None
        if len(content) > LARGEST:
            raise ValueError("dataref_too_large")
        try:
            rows = orjson.loads(content)
        except orjson.JSONDecodeError:
            raise ValueError("dataref_format") from None
        return rows if isinstance(rows, list) else [rows]

    @contextmanager
    def _told(self) -> Iterator[None]:
        where = f"container {self._client.container_name} at {urlsplit(self._client.url).netloc}"
        try:
            yield
        except ClientAuthenticationError as error:
            code = getattr(error, "error_code", None) or type(error).__name__
            raise Transient(f"{where} refused us ({code}): the agent's identity needs the role Storage Blob Data Reader there") from error
        except ResourceNotFoundError as error:
            raise Transient(f"{where} is not there; see `container` and `account`") from error
        except HttpResponseError as error:
            code = getattr(error, "error_code", None) or error.reason
            if error.status_code == 403:
                raise Transient(f"{where} refused us (403 {code}): the agent needs the role Storage Blob Data Reader there") from error
            raise Transient(f"{where} answered {error.status_code} {code}") from error
        except AzureError as error:
            raise Transient(f"{where} cannot be reached: {type(error).__name__}") from error

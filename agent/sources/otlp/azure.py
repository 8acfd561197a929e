"""Tells Azure from the provider a client claims: most instrumentations call Azure OpenAI plain openai."""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

_HOSTS = re.compile(
    r"\.(openai\.azure|cognitiveservices\.azure|services\.ai\.azure|inference\.ml\.azure|inference\.ai\.azure)\.(com|us|cn)$"
)
_DEPLOYMENT = re.compile(r"/openai/deployments/([^/?#]+)")


def host(found: Mapping[str, Any]) -> str:
    """Return the host a call went to, "" where the dialect does not carry it."""
    address: str = found.get("host") or _host(found.get("api_base"))
    # Some clients write the whole URL.
    return (_host(address) if "/" in address else address).lower()


def provider(claimed: str | None, found: Mapping[str, Any], address: str, *, filtered: bool) -> str | None:
    """Return the provider, `openai` corrected to `azure.ai.openai` where the call shows it.

    Signs: the host (`address`), a URL with `/openai/`, an API version, or filter results (`filtered`), which only Azure
    sends.

    >>> provider("openai", {}, "shop.openai.azure.com", filtered=False)
    'azure.ai.openai'
    """
    if claimed not in {"openai", None}:
        return claimed
    urls = found.get("api_base", ""), found.get("host", "")
    if filtered or _of_azure(address) or "api_version" in found or any("/openai/" in url for url in urls):
        return "azure.ai.openai"
    return claimed


def deployment(found: Mapping[str, Any]) -> str | None:
    """Return what answers: on Azure the requested model is the deployment's name, elsewhere it is the next best thing."""
    named = _DEPLOYMENT.search(found["api_base"]) if "api_base" in found else None
    return named.group(1) if named else found.get("request_model") or found.get("model")


@lru_cache(maxsize=1024)
def _of_azure(address: str) -> bool:
    return bool(_HOSTS.search(address))


def _host(url: str | None) -> str:
    try:
        return (urlsplit(url or "").hostname) or ""
    except ValueError:
        return ""

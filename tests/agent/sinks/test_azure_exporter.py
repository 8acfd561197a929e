"""What stands in for libraries while Azure's exporter is imported."""

import subprocess
import sys

ASKED = """
import sys
from agent.sinks.azure_exporter import exporters
exporters()
import azure.monitor.opentelemetry.exporter as exporter
import requests
assert not {"azure.identity", "charset_normalizer", "msal"} & sys.modules.keys(), "imported"
answer = requests.Response()
answer._content = "Größe und Maß, schöne Grüße".encode("utf-16")
assert answer.apparent_encoding.lower().startswith("utf"), answer.apparent_encoding
assert "charset_normalizer" in sys.modules
from azure.identity import ManagedIdentityCredential
from azure.monitor.opentelemetry.exporter.export import _base
assert isinstance(_base.ManagedIdentityCredential(client_id="00000000-0000-0000-0000-000000000000"), ManagedIdentityCredential)
"""


def test_what_was_stood_in_for_works_once_it_is_wanted() -> None:
    """A guessed encoding and a managed identity are the real libraries' own."""
    done = subprocess.run([sys.executable, "-c", ASKED], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr

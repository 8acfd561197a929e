"""Azurite, Microsoft's emulator of Blob Storage, as a process of its own on a free port."""

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ACCOUNT = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
"""The account every Azurite has; documented by Microsoft, no secret."""

PROGRAM = Path(__file__).parents[1] / "node" / "node_modules" / ".bin" / "azurite-blob"


@contextmanager
def azurite(program: str, folder: Path) -> Iterator[str]:
    """Run Azurite until the block ends; yield a connection string."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = ["--inMemoryPersistence", "--skipApiVersionCheck", "--disableTelemetry", "--silent"]
    with (folder / "azurite.log").open("wb") as log:
        process = subprocess.Popen(
            [program, *options, "--blobHost", "127.0.0.1", "--blobPort", str(port)], stdout=log, stderr=subprocess.STDOUT, cwd=folder
        )
        try:
            _wait(process, port, log.name)
            yield f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={KEY};BlobEndpoint=http://127.0.0.1:{port}/{ACCOUNT};"
        finally:
            process.terminate()
            process.wait(10)


def _wait(process: subprocess.Popen[bytes], port: int, log: str) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError as error:
            if process.poll() is not None:
                raise RuntimeError(f"Azurite ended with {process.returncode}: {Path(log).read_text()}") from error
            # A refused connection is answered at once; waiting for the exit of a process that lives paces the tries.
            try:
                process.wait(0.05)
            except subprocess.TimeoutExpired:
                continue
        else:
            return
    raise RuntimeError("Azurite did not listen within 30 s")

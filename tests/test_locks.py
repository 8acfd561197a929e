"""Locks name packages by version and hash, never by an address."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LOCKS = [*sorted((ROOT / "locks").glob("*.txt")), ROOT / "tests/node/package-lock.json"]


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_a_lock_carries_hashes_and_no_address(lock: Path) -> None:
    """Where a package comes from is the machine's business; what it is, is the lock's."""
    text = lock.read_text()

    assert "://" not in text
    assert "resolved" not in text
    assert "sha256:" in text or "sha512-" in text

"""Ids of records: one for each span of each trace."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from agent.sources.otlp.identity import WIDTH, identities


def _pairs(traces: NDArray[np.uint64], spans: NDArray[np.uint64]) -> bytes:
    return np.column_stack([traces, spans]).astype(">u8").tobytes()


def test_close_ids_do_not_collide() -> None:
    """Traces and spans numbered from one, as a careless client would: a million pairs, a million hashes."""
    numbers = np.arange(1, 1001, dtype=np.uint64)
    low, spans = (part.ravel() for part in np.meshgrid(numbers, numbers))
    found = identities(_pairs(np.column_stack([np.zeros_like(low), low]), spans))
    assert len(np.unique(found)) == 1_000_000


def test_random_ids_do_not_collide_and_fill_the_range() -> None:
    """A million random ids: no collision (expected 3e-8 of one), and each bit is set in half of the hashes."""
    random = np.random.default_rng(7)
    found = identities(random.bytes(WIDTH * 1_000_000))
    assert len(np.unique(found)) == 1_000_000
    shares = [float(((found >> np.uint64(bit)) & np.uint64(1)).mean()) for bit in range(64)]
    assert max(abs(share - 0.5) for share in shares) < 0.003


@given(st.lists(st.tuples(st.binary(min_size=16, max_size=16), st.binary(min_size=8, max_size=8)), max_size=9))
def test_a_hash_depends_on_its_own_record_only(records: list[tuple[bytes, bytes]]) -> None:
    """Hashed together or one by one; 0 stands for "no span" and for nothing else."""
    together = identities(b"".join(trace + span for trace, span in records)).tolist()
    assert together == [identities(trace + span).tolist()[0] for trace, span in records]
    assert [value == 0 for value in together] == [span == bytes(8) for _, span in records]

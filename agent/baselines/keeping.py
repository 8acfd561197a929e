"""Keeps a baseline under a name, and says what it is."""

from collections.abc import Iterator

from agent.baselines.records import prune
from agent.baselines.stored import Baseline
from agent.config import Endpoint
from agent.drift_rules import first_rule
from agent.reference_view import described
from agent.store.store import Store


def keep(store: Store, name: str, baseline: Baseline, endpoint: Endpoint) -> Iterator[str]:
    """Store a further version, and yield what it rests on."""
    with store.transaction() as transaction:
        version = transaction.add_baseline(name, baseline.plain())
        prune(transaction, store, name, version)
    yield f"baseline {name}, version {version}: {baseline.made_of}"
    yield from (f"  {line}" for line in described(baseline.state, first_rule(endpoint)))

"""Which evaluators wait for labels of people."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing

from agent.config import Config
from agent.doctor.remark import Remark
from agent.labels.opinions import evaluators_of
from agent.store.text import storable
from detectors.quality.calibrated_mean import ENOUGH_LABELS

_QUERY = (
    "SELECT v.deployment, sum(v.label IS NOT NULL) FROM verdict v "
    # Beside a maximum SQLite gives the other columns of that row.
    "JOIN (SELECT deployment, answered, rater, max(saved) FROM verdict WHERE endpoint = ?1 AND evaluator = ?2 AND traffic = 'live' "
    "GROUP BY deployment) USING (deployment, answered, rater) "
    "WHERE v.endpoint = ?1 AND v.evaluator = ?2 AND v.traffic = 'live' GROUP BY v.deployment ORDER BY v.deployment"
)


def labelled(config: Config) -> Iterator[Remark]:
    """Say of each evaluator with fewer labels than are wanted how many there are, for the model that answers and the judge that judges now."""
    file = config.state / "store.sqlite"
    wanted = [(one.name, name) for one in config.endpoints.values() if one.labels is not None for name in evaluators_of(one)]
    if not wanted or not file.is_file():
        return
    try:
        with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True, timeout=1.0)) as connection:
            rows = [
                (endpoint, evaluator, *row)
                for endpoint, evaluator in wanted
                for row in connection.execute(_QUERY, (storable(endpoint), storable(evaluator)))
            ]
    except sqlite3.Error:
        # A store of another version, or one just being made: run says what is wrong with it.
        return
    for endpoint, evaluator, deployment, number in rows:
        if number < ENOUGH_LABELS:
            yield Remark(
                "note",
                f"{endpoint} ({deployment}): {evaluator} has {number} of about {ENOUGH_LABELS} labels of people",
                f"driftline labels ask {endpoint} --evaluator {evaluator} -n {ENOUGH_LABELS - number} --out to-label.csv",
            )

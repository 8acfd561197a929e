"""CSV is cut into whole records, whatever stands in quotes."""

import csv
import io
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.rows.csv_text import whole

CELLS = st.text(st.sampled_from('ab1,;"\n\r é'), max_size=6)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=8), st.randoms())
def test_whole_records_are_those_of_the_csv_module(records: list[tuple[str, str]], random: Any) -> None:
    """However the text is cut, what counts as whole is a whole number of records, and the most there are."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n", quoting=random.choice([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
    ends = [0]
    for record in records:
        writer.writerow(record)
        ends.append(len(text.getvalue().encode()))
    content = text.getvalue().encode()
    cut = random.randint(0, len(content))
    # A quote at the very end may close its cell or be the first of a doubled one: only what follows tells.
    assert whole(content[:cut], ",") == max(end for end in ends if end <= cut)

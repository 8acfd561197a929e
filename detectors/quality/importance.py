"""How much more a call is worth keeping than another: by what is known of all calls before any is judged."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

FLAGGED = 10.0
"""Importance of what a yes-or-no signal flags. The best ratio is the root of how much more often flagged calls are unsafe: 8 where
a signal with recall .6 and a false-positive rate of .02 meets a rate of .45 %."""
_SOME, _SLOPE, _MOST = 2.5, 70.0, 6.0


def of_share(explicit: Floats) -> Floats:
    """Return the importance of calls by the share of explicit words in them (0 to 1, NaN where there are no words).

    Steps with the root of how much more often such texts were labelled unsafe (OpenAI's moderation set): six times the
    importance from a share of .05 on.

    >>> of_share(np.array([0.0, 0.01, 0.2, np.nan])).tolist()
    [1.0, 3.2, 6.0, 1.0]
    """
    some = np.nan_to_num(explicit)
    return np.where(some > 0, np.minimum(_SOME + _SLOPE * some, _MOST), 1.0)


def of_deployment(share: float) -> float:
    """Return the importance of calls of a deployment that has this share of the endpoint's calls.

    Between equal chances for calls and equal samples for deployments: the root of the root.

    >>> of_deployment(1.0), round(of_deployment(0.01), 2)
    (1.0, 3.16)
    """
    if not 0 < share <= 1:
        raise ValueError(f"a share of calls is above 0 and up to 1, not {share}")
    return float(share**-0.25)

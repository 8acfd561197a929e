"""A delay model as a team would make it: trained on the first weeks, then asked about every flight of the year."""

from typing import Any

from agent.demo.flights import CATEGORIES, NUMBERS

TRAINING_DAYS = 56


def predictions(table: Any, *, days: int = TRAINING_DAYS, rounds: int = 40) -> Any:
    """Return the predicted arrival delay in minutes of each row of `agent.demo.flights.load()`, NaN where the flight was cancelled.

    `rounds` of gradient boosting on the first `days`, one thread, always the same trees.
    """
    # Imported here: scikit-learn belongs to the demo alone.
    import numpy as np  # noqa: PLC0415
    import pandas as pd  # type: ignore[import-untyped]  # noqa: PLC0415  # has no types
    from sklearn.ensemble import HistGradientBoostingRegressor  # type: ignore[import-untyped]  # noqa: PLC0415  # has no types
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # noqa: PLC0415  # has no types

    inputs = table[list(NUMBERS)].assign(**{name: pd.Categorical(table[name]) for name in CATEGORIES})
    flown = table["dep_delay"].notna()
    end = table["scheduled"].iloc[0].normalize() + pd.DateOffset(days=days)
    training = flown & table["arr_delay"].notna() & (table["scheduled"] < end)
    model = HistGradientBoostingRegressor(max_iter=rounds, categorical_features="from_dtype", early_stopping=False, random_state=0)
    # One thread: the other act needs the second core.
    with threadpool_limits(1):
        model.fit(inputs[training], table["arr_delay"][training])
        answers = model.predict(inputs)
    return np.where(flown, answers, np.nan)

"""The sentence that tells a person why a feature's severity is what it is."""


def explain(
    what: str, rows: int, severity: float, p_value: float, reference_days: int, effect: float, *, carried: bool, alarm: bool, unusual: bool
) -> str:
    """Return the sentence; `what` changed, as `describe_change` says it, the rest as a `FeatureVerdict` has it.

    >>> what = describe_change("location", 0.8, 0, 0)
    >>> explain(what, 964, 1.7, 0.02, 56, 8.0, carried=False, alarm=True, unusual=True)
    'values higher by 0.80 reference sd (by rank) on 964 rows; severity 1.70, line 1.0; p 0.02 against the 56 reference days'
    """
    told = f"{what} on {rows} rows; severity {severity:.2f}, line 1.0; p {p_value:.2g} against the {reference_days} reference days"
    if carried:
        told += "; carried by two unusual days of the last three"
    if alarm and effect < 1:
        told += f"; too small to matter (effect {max(effect, 0.0):.2f} of the smallest that does)"
    elif unusual and not alarm:
        told += "; this window alone is unusual, the day is not yet"
    return told


def describe_change(test: str | None, change: float, now: float, then: float) -> str:
    """Return in words what one sub-test saw: `change` in its own unit, `now` and `then` as shares of rows."""
    if test in {"missing", "new"}:
        what = "missing values" if test == "missing" else "rare or new values" if then else "values the reference never had"
        return f"{what} in {now:.2%} of rows (reference {then:.2%})"
    if change != change:  # noqa: PLR0124 - NaN: too few values to say
        return "too few values to compare"
    if test == "location":
        return f"values {'higher' if change > 0 else 'lower'} by {abs(change):.2f} reference sd (by rank)"
    if test == "scale":
        return f"spread {'wider' if change > 0 else 'narrower'} by {abs(change):.2f} reference sd (by rank)"
    return f"distribution changed by PSI {max(change, 0.0):.3f} beyond chance"


def describe_sum(label: str, change: float, span: int) -> str:
    """Return in words what lasted over days: `change` is the mean of the days, in the label's own unit.

    >>> describe_sum("share 3", 0.039, 7)
    'over the last 7 days share of one category higher by 3.9 points'
    >>> describe_sum("scale", -0.21, 3)
    'over the last 3 days spread narrower by 0.21 reference sd (by rank)'
    """
    if label in {"location", "scale"}:
        what = describe_change(label, change, 0, 0)
    else:
        name = {"missing": "missing values", "new": "values the reference never had"}.get(label, "share of one category")
        what = f"{name} {'higher' if change > 0 else 'lower'} by {100 * abs(change):.1f} points"
    return f"over the last {span} days {what}"


def too_few_rows(samples: int, least: int) -> str:
    """Return the sentence for a window too small to judge.

    >>> too_few_rows(12, 30)
    '12 rows in this window; 30 are needed'
    """
    return f"{samples} rows in this window; {least} are needed" if samples else "no rows of this feature in this window"


def no_severity(windows: int, least: int) -> str:
    """Return the sentence for a feature whose reference is too short to judge by.

    >>> no_severity(3, 8)
    'the reference has 3 windows of this feature; 8 are needed before a severity can be given'
    """
    return f"the reference has {windows} windows of this feature; {least} are needed before a severity can be given"

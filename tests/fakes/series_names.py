"""Reads which series a PromQL expression asks for and which a scrape offers, so that the two can be compared."""

import re

_STRINGS = re.compile(r'"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\'')
_LABELS = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)")
_NAMES = re.compile(r"[A-Za-z_:][A-Za-z0-9_:]*(?!\s*\()\b")
_KEYWORDS = {"and", "or", "unless", "bool", "offset", "inf", "nan", "group_left", "group_right", "by", "without", "on", "ignoring", "atan2"}


def names_used_by(promql: str) -> set[str]:
    """Return the names of the series an expression, or Grafana's `label_values(series, label)`, selects.

    >>> sorted(names_used_by('sum by (a) (rate(x_total{job="b"}[5m])) / on (a) y_bytes > 0'))
    ['x_total', 'y_bytes']
    >>> names_used_by('label_values(z{a=~"$a"}, endpoint)')
    {'z'}
    """
    text = _STRINGS.sub("", promql)
    text = re.sub(r"\{[^}]*\}|\[[^\]]*\]", "", text)
    text = re.sub(r"label_values\(([^,]*),[^)]*\)", r"\1", _LABELS.sub(" ", text))
    return {name for name in _NAMES.findall(text) if name.lower() not in _KEYWORDS}


def names_offered_by(scrape: str) -> set[str]:
    r"""Return the names of the series in a scrape, in Prometheus' text format.

    >>> names_offered_by('# TYPE x counter\nx_total{a="b"} 1\ny 2\n') == {'x_total', 'y'}
    True
    """
    lines = (line for line in scrape.splitlines() if line and not line.startswith("#"))
    return {re.split(r"[{\s]", line, maxsplit=1)[0] for line in lines}

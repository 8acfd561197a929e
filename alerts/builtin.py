"""The table of built-in rules."""

from collections.abc import Mapping
from typing import Any

from alerts.rule import Rule
from alerts.rules.abandoned_conversations import AbandonedConversations
from alerts.rules.attack_burst import AttackBurst
from alerts.rules.content_safety import ContentSafetyShare
from alerts.rules.content_safety_stalled import ContentSafetyStalled
from alerts.rules.decay import Decay
from alerts.rules.drift import Drift
from alerts.rules.empty_retrieval import EmptyRetrieval
from alerts.rules.error_share import ErrorShare
from alerts.rules.golden_regression import GoldenRegression
from alerts.rules.invalid_tool_calls import InvalidToolCalls
from alerts.rules.judge_stalled import JudgeStalled
from alerts.rules.label_drift import LabelDrift
from alerts.rules.row_count import RowCount
from alerts.rules.safety_rate import SafetyRate
from alerts.rules.source_stale import SourceStale
from alerts.rules.throttling import Throttling
from alerts.rules.tool_failures import ToolFailures

RULES: tuple[type[Rule], ...] = (
    Drift,
    Decay,
    LabelDrift,
    SafetyRate,
    AttackBurst,
    ContentSafetyShare,
    ErrorShare,
    Throttling,
    EmptyRetrieval,
    ToolFailures,
    InvalidToolCalls,
    AbandonedConversations,
    RowCount,
    SourceStale,
    JudgeStalled,
    ContentSafetyStalled,
    GoldenRegression,
)
"""Every rule there is. That the agent itself died is told from outside, by the generated rules."""


def rules(changed: Mapping[str, Rule | Mapping[str, Any]]) -> tuple[Rule, ...]:
    """Return every rule, with what `alerts:` says in place of the defaults: a rule, or options by name.

    Raises KeyError for an unknown rule.

    >>> [rule.name for rule in rules({"drift": Drift(enabled=False)}) if rule.enabled][:3]
    ['decay', 'label_drift', 'safety_rate']
    """
    unknown = sorted(set(changed) - {rule.name for rule in RULES})
    if unknown:
        raise KeyError(f"unknown alert {', '.join(unknown)}; known: {', '.join(rule.name for rule in RULES)}")
    given = ((rule, changed.get(rule.name, {})) for rule in RULES)
    return tuple(rule(**options) if isinstance(options, Mapping) else options for rule, options in given)

"""Options of a golden set: which file is put to which endpoint, what its answers are held against, how often, at what cost."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

from annotated_types import Ge, Gt, Le

from agent.errors import ConfigError
from agent.golden.evaluators import Judged
from agent.judges.chat import Chat
from agent.judges.kinds import criteria_of, installed
from agent.judges.spend import Limits, Price
from detectors.quality.regression import Terms

Share = Annotated[float, Ge(0), Le(1)]
_CLOCK = re.compile(r"([01]\d|2[0-3]):[0-5]\d")


@dataclass(frozen=True, slots=True)
class Budget:
    """What questions and judging may cost a day, the endpoint's and the judge's together; by command, a run."""

    tokens: Annotated[int, Ge(1)] | None = None
    """Tokens; left out: no limit."""
    money: Annotated[float, Gt(0)] | None = None
    """Money in the configuration's currency, at the prices below; left out: no limit."""
    input_price: Annotated[float, Ge(0)] = 0.0
    """Of a million tokens that are read."""
    output_price: Annotated[float, Ge(0)] = 0.0
    """Of a million tokens that are written."""

    @property
    def limits(self) -> Limits:
        """What a day may take."""
        return Limits(self.tokens, self.money)

    @property
    def price(self) -> Price:
        """What tokens cost."""
        return Price(self.input_price, self.output_price)


@dataclass(frozen=True, slots=True)
class GoldenOptions:
    """A golden set: pairs of a file that are put to an endpoint as canary traffic, and compared with the last accepted run."""

    file: Path
    """A JSONL or CSV file of pairs; `driftline golden validate` tells what is wrong with it."""
    target: Any
    """The endpoint that is asked, as `{azure_openai: {…}}`, `{openai: {…}}`, `{azureml: {…}}` or `{databricks: {…}}`."""
    evaluators: Mapping[str, Any]
    """Component id to evaluator; an answer passes where all of them say so."""
    judge: Chat | None = None
    """The model that scores, where evaluators need one."""
    repeats: Annotated[int, Ge(1), Le(10)] = 3
    """Times each question is asked in a run: models answer differently each time."""
    every: Annotated[timedelta, Ge(timedelta(minutes=1))] | None = None
    """How often the agent runs it; left out: by command only."""
    at: str | None = None
    """Time of day in the endpoint's `timezone`, such as "02:30", from which a run may begin; left out: any."""
    deployment: str | None = None
    """What its gauges and alerts are shown under; left out: the target's deployment or model."""
    concurrency: Annotated[int, Ge(1), Le(32)] = 4
    """Questions in flight."""
    time_limit: Annotated[timedelta, Gt(timedelta(0))] = timedelta(hours=1)
    """Questions that were not asked by then are gaps."""
    budget: Budget = field(default_factory=Budget)
    """What it may cost."""
    least_ratio: Share | None = None
    """Share of answers that must pass, or the run fails; left out: any."""
    smallest_loss: Annotated[float, Gt(0), Le(1)] = 0.03
    """Loss of pass ratio that matters; smaller ones are never a regression."""
    most_gaps: Share = 0.1
    """Share of answers that may be missing; beyond it a run says nothing."""

    def __post_init__(self) -> None:
        """Raise ValueError for settings that contradict each other."""
        if self.target is None:
            raise ValueError("target: names no endpoint to ask; write {azure_openai: {url: ..., deployment: ...}} or another")
        if not self.evaluators:
            raise ValueError("evaluators: none is named, so every answer would pass; write {exact: {}} or another")
        judged = [name for name, one in self.evaluators.items() if isinstance(one, Judged)]
        if judged and self.judge is None:
            raise ValueError(f"judge: is needed by {', '.join(judged)}; name the model that scores, as {{url: ..., model: ..., key: ...}}")
        if judged and self.judge is not None:
            known = criteria_of(self.judge.kind)
            others = [name for name, one in self.evaluators.items() if isinstance(one, Judged) and one.criterion not in known]
            if others:
                raise ValueError(f"judge.kind: {self.judge.kind} has no {', '.join(others)}; leave kind out, or those")
            try:
                installed(self.judge.kind)
            except ConfigError as error:
                raise ValueError(f"judge.{error}") from error
        if self.budget.money is not None and not (self.budget.input_price or self.budget.output_price):
            raise ValueError("budget.money: bounds nothing without prices; add input_price and output_price, or leave it out")
        if self.at is not None and not _CLOCK.fullmatch(self.at):
            raise ValueError(f'at: {self.at[:20]} is no time of day; write "02:30", in quotes')
        if self.at is not None and (self.every is None or self.every < timedelta(days=1)):
            raise ValueError("at: is for runs once a day or less often; write every: 24h, or leave it out")

    @property
    def terms(self) -> Terms:
        """When a loss counts."""
        return Terms(smallest=self.smallest_loss)

    @property
    def shown_under(self) -> str:
        """The deployment its gauges are shown under."""
        named: str = self.deployment or self.target.name
        return named

    @property
    def needs(self) -> dict[str, list[str]]:
        """Texts that pairs must have, and the evaluators that need them."""
        found: dict[str, list[str]] = {}
        for name, evaluator in self.evaluators.items():
            for key in evaluator.needs:
                found.setdefault(key, []).append(name)
        return found

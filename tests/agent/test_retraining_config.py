"""`retraining` in the configuration: what is read, what is refused and in which words, and who is called then."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]  # its stubs are not among the locked packages
import pytest
import yaml

from agent.config import Config, Retraining
from agent.config_file import read
from agent.config_hash import config_hash
from agent.config_reference import reference
from agent.config_schema import schema
from agent.errors import ConfigError
from agent.triggers import triggered
from agent.triggers.event_grid import EventGrid
from agent.triggers.webhook import Webhook

TOPIC = "https://retraining.westeurope-1.eventgrid.azure.net/api/events"
ENVIRONMENT = {"KEY": "hunter2", "URL": "https://hooks.example/hunter2"}


def text(retraining: str, more: str = "") -> str:
    """Return a file whose endpoint `a` wants this."""
    return f"sources: {{otlp: {{}}}}\nendpoints:\n  a: {{retraining: {retraining}}}\n{more}"


def config(written: str) -> Config:
    return read(written, "config.yaml", Path("/nowhere"), ENVIRONMENT)


def wanted(retraining: str) -> Retraining | None:
    return config(text(retraining)).endpoints["a"].retraining


def refused(retraining: str) -> str:
    with pytest.raises(ConfigError) as caught:
        config(text(retraining))
    return str(caught.value)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("", None),
        ("{}", Retraining()),
        ("{windows: 5, within: 8, days: 2, of: [decay], cool_down: 14d}", Retraining(5, 8, 2, ("decay",), timedelta(days=14))),
        ("{trigger: }", Retraining()),
        ("{trigger: {event_grid: {endpoint: " + TOPIC + "}}}", Retraining(trigger=EventGrid(TOPIC))),
        ('{trigger: {webhook/ours: {url: "${env:URL}", timeout: 3}}}', Retraining(trigger=Webhook(ENVIRONMENT["URL"], timeout=3.0))),  # type: ignore[arg-type]  # equal to the secret that is read
    ],
)
def test_what_is_read(written: str, expected: Retraining | None) -> None:
    """Left out: never. An empty mapping: the defaults. The JSON Schema takes what the reader takes."""
    assert wanted(written) == expected
    assert list(jsonschema.Draft202012Validator(schema()).iter_errors(yaml.safe_load(text(written)))) == []


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("{windows: 0}", "endpoints.a.retraining.windows: 0 should be greater than or equal to 1"),
        ("{windows: 51}", "endpoints.a.retraining.windows: 51 should be less than or equal to 50"),
        ("{windows: 3, within: 2}", "endpoints.a.retraining: within: 2 windows cannot hold 3 bad ones (windows); write at least 3"),
        ("{windows: 3, days: 4}", "endpoints.a.retraining: days: 3 windows cannot lie on 4 days; write fewer"),
        ("{of: []}", "endpoints.a.retraining: of: nothing is chosen; write [drift, decay], or leave it out"),
        ("{of: [latency]}", "endpoints.a.retraining.of[0]: latency is unknown; known: decay, drift"),
        ("{of: drift}", "endpoints.a.retraining.of: must be a list such as [drift]"),
        ("{cool_down: -1d}", "endpoints.a.retraining.cool_down: "),
        ("{windos: 3}", "did you mean windows?"),
        ("[3]", "endpoints.a.retraining: must be a mapping, not a list"),
        ("yes", "endpoints.a.retraining: must be a mapping, not yes"),
        ("{trigger: {webhok: {}}}", "endpoints.a.retraining.trigger.webhok: unknown component 'webhok'; known: event_grid, webhook; did you mean webhook?"),
        ("{trigger: {webhook: {}}}", "endpoints.a.retraining.trigger.webhook.url: is required"),
        ("{trigger: {webhook: {url: hunter2}}}", "endpoints.a.retraining.trigger.webhook.url: must start with https://"),
        ('{trigger: {webhook: {url: "${env:URL}", secret: "${env:KEY}"}}}', "endpoints.a.retraining.trigger.webhook.secret: must be whsec_"),
        ('{trigger: {webhook: {url: "${env:URL}", timeout: 0}}}', "endpoints.a.retraining.trigger.webhook.timeout: 0 should be greater than 0"),
        ("{trigger: {event_grid: {endpoint: https://a.eventgrid.azure.net}}}", "retraining.trigger.event_grid.endpoint: must end with /api/events"),
        (
            '{trigger: {webhook: {url: "${env:URL}"}, event_grid: {endpoint: ' + TOPIC + "}}}",
            "endpoints.a.retraining.trigger: must name one trigger, not webhook, event_grid",
        ),
    ],
)  # fmt: skip
def test_what_is_refused(written: str, said: str) -> None:
    """The key, the way out, and never a secret."""
    problem = refused(written)

    assert said in problem
    assert "hunter2" not in problem
    assert len(set(problem.splitlines())) == len(problem.splitlines())


@pytest.mark.parametrize("wrong", ["{windows: 0}", "{of: [latency]}", "{trigger: {webhok: {}}}", "{trigger: {webhook: {}}}", "[3]"])
def test_the_schema_refuses_too(wrong: str) -> None:
    """An editor shows it before the agent does."""
    assert list(jsonschema.Draft202012Validator(schema()).iter_errors(yaml.safe_load(text(wrong)))) != []


def test_each_endpoint_has_a_place_of_its_own_in_the_outbox() -> None:
    """Named after the endpoint, so that a mended address finds what waits; on with any `paging`."""
    written = """
sources: {otlp: {}}
paging: azure
endpoints:
  a: {match: {x: a}, retraining: {trigger: {webhook: {url: "${env:URL}"}}}}
  b: {match: {x: b}, retraining: {}}
  c: {match: {x: c}}
"""
    assert list(triggered(config(written))) == ["retraining/a"]


def test_who_is_called_changes_no_score() -> None:
    """What was learnt stays good."""
    endpoints = [config(text(written)).endpoints["a"] for written in ("", "{windows: 5}")]

    assert config_hash(endpoints[0]) == config_hash(endpoints[1])


def test_no_secret_is_shown() -> None:
    """Whoever prints the configuration prints no address and no key."""
    shown: Any = config(text("{trigger: {event_grid: {endpoint: " + TOPIC + ', key: "${env:KEY}"}}}'))

    assert "hunter2" not in repr(shown)


def test_the_reference_of_options_has_it() -> None:
    """docs/config.md is written from the same classes."""
    page = reference()

    assert "| `retraining.cool_down` | duration | `7d` |" in page
    assert "#### `event_grid`" in page

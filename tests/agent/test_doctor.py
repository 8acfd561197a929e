"""What doctor says, and that it never says a secret."""

import socket
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from agent.config import Config
from agent.config_file import read
from agent.doctor.addresses import addresses
from agent.doctor.azure_connection import connection
from agent.doctor.settings import settings
from agent.doctor.state import State, last_words, look, state
from agent.doctor.switches import switches
from agent.lock import Lock
from agent.store.store import Store

NOW = datetime(2026, 11, 20, tzinfo=UTC)
KEY = "InstrumentationKey=00000000-0000-0000-0000-0000000000aa"
CONTENT = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
OPT_IN = "OTEL_SEMCONV_STABILITY_OPT_IN"


def config(text: str, folder: Path = Path("/nowhere")) -> Config:
    """Read a configuration that stands in a folder."""
    return read(text, "config.yaml", folder, {})


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({}, None),
        ({OPT_IN: "http,gen_ai_latest_experimental", CONTENT: "true"}, "is no value of the new conventions"),
        ({CONTENT: "span_only"}, "is understood by the new conventions only"),
        ({OPT_IN: "gen_ai_latest_experimental", CONTENT: "no_content"}, None),
        ({CONTENT: "true"}, "makes the application send text"),
        ({"TRACELOOP_TRACE_CONTENT": "true"}, "TRACELOOP_TRACE_CONTENT makes the application send text"),
        ({"OTEL_TRACES_SAMPLER": "parentbased_traceidratio"}, "at best estimated"),
        ({"OTEL_TRACES_EXPORTER": "none"}, "sends no calls"),
        ({"OTEL_SDK_DISABLED": "true"}, "sends nothing"),
        ({"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}, "do not go together"),
        ({"OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}, None),
    ],
)
def test_switches_of_instrumentations(environment: Mapping[str, str], words: str | None) -> None:
    """A switch that makes telemetry incomplete is named, a sound one is not."""
    said = [remark.what for remark in switches(environment)]

    assert (said == []) if words is None else any(words in one for one in said)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f"{KEY};IngestionEndpoint=https://westeurope.in.example/", None),
        (f"{KEY};IngestionEndpoint=http://westeurope.in.example/", "is no https address"),
        (KEY, "has no IngestionEndpoint"),
        ("InstrumentationKey=s3cret;IngestionEndpoint=https://x.example/", "is no GUID"),
        ("s3cret", "has no InstrumentationKey"),
        ("", "has no InstrumentationKey"),
    ],
)
def test_the_shape_of_a_connection_string(text: str, words: str | None) -> None:
    """What is wrong with it is said without showing any of it."""
    said = [remark.what + remark.mend for remark in connection(text, "k")]

    assert (said == []) if words is None else any(words in one for one in said)
    assert not any("s3cret" in one or "00000000" in one for one in said)


CHECKED = (
    "sources: {{otlp: {{}}}}\nendpoints: {{a: {{content: transient, content_safety: "
    "{{endpoint: 'https://a.cognitiveservices.azure.com', checks: [analyze_text, prompt_shields, groundedness], <<: {0}}}}}}}"
)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("sources: {otlp: {}}", "no sinks: nothing leaves the agent"),
        ("sources: {otlp: {}}\npaging: agent", "nobody is told"),
        ("sources: {otlp: {}}\nnotifiers: {log: {}}", "notifiers stay silent with paging: azure"),
        ("sources: {otlp: {}}\nsinks: {prometheus: {}}", "paging: azure, and no sink azure_monitor"),
        ("sources: {otlp: {}}\nendpoints: {a: {reference: {file: t.csv}}}", "endpoints.a.reference.file: /nowhere/t.csv is not there"),
        ("endpoints: {a: {source: {files: {path: d.csv}}, detectors: {usage: {}}}}", "endpoints.a.detectors.usage can never score"),
        ("sources: {otlp: {}}\nendpoints: {a: {content: features}}", "can never score under content: features"),
        ("sources: {otlp: {}}\nendpoints: {a: {detectors: {text: {}}}}", "refusal, repetition, truncated, "),
        ("sources: {otlp: {}}\nendpoints: {a: {detectors: {text: {}}}}", "can never score under content: off"),
        ("endpoints: {a: {source: {files: {path: d.csv}}, detectors: {text: {}}}}", "endpoints.a.detectors.text can never score"),
        ("sources: {otlp: {}}\nendpoints: {a: {content: transient}}", "texts are redacted for nobody"),
        (CHECKED.format("{}"), "groundedness is asked of answers with context alone"),
        (CHECKED.format("{calls: 500}"), "192,000 requests a day would be made, 20,000 may be"),
        ("endpoints: {a: {source: {files: {path: d.csv}}, content: features}}", "its source brings rows"),
        ("sources: {otlp: {}}\nendpoints: {a: {retraining: {windows: 3}}}", "3 bad windows may all be of one day"),
        ("sources: {otlp: {}}\nendpoints: {a: {}}", "endpoints.a: no history, so drift thresholds are learnt from live windows"),
        (
            "endpoints: {a: {source: {files: {path: d}}, reference: {history: 14d}, alarm_budget: {episodes: 1}}}",
            "endpoints.a.alarm_budget: 1 episodes in 30 days is below 2, the least that 14 days of reference can keep",
        ),
    ],
)
def test_settings_nobody_means(text: str, words: str) -> None:
    """A valid configuration that cannot do what it says is told."""
    assert any(words in remark.what for remark in settings(config(text)))


def test_a_sound_configuration_draws_no_warning() -> None:
    """Doctor is quiet where nothing is wrong."""
    text = "sources: {otlp: {}}\nendpoints: {a: {}}\nsinks: {prometheus: {}}\npaging: prometheus"

    assert {remark.weight for remark in settings(config(text))} == {"note"}


def test_taken_addresses_are_named_unless_the_agent_has_them() -> None:
    """A port another process holds is an error; with a running agent it is what one expects."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        found = config(f"sources: {{otlp: {{}}}}\nsinks: {{prometheus: {{listen: '{address}'}}}}")

        assert f"sinks.prometheus.listen: {address} is taken by another process" in [one.what for one in addresses(found, running=False)]
        assert [one.what for one in addresses(found, running=True)] == []


def test_the_state_folder_is_judged_without_touching_it(tmp_path: Path) -> None:
    """Permissions and the lock are seen; a look leaves no file behind."""
    found = config("sources: {otlp: {}}\nstate: st", tmp_path)

    assert not look(found.state).there
    assert list(tmp_path.iterdir()) == []
    with Lock(found.state):
        assert look(found.state).running
    assert not look(found.state).running
    found.state.chmod(0o755)
    assert f"chmod 700 {found.state}" in [remark.mend for remark in state(found, look(found.state))]


def test_the_last_record_is_read_from_the_store(tmp_path: Path) -> None:
    """Doctor ends with when a record was last seen, also while the agent has the store open."""
    assert last_words(look(tmp_path), NOW) == "no record seen yet: send one, then look again"
    with Store(tmp_path / "store.sqlite") as store:
        with store.transaction() as transaction:
            seen = NOW - timedelta(seconds=41)
            transaction.put("arrivals", {"a": int(seen.timestamp()) * 10**9, "b": 1})

        assert last_words(look(tmp_path), NOW) == "last record seen 41 s ago"
    assert last_words(State(True, False, 0, {"a": NOW - timedelta(hours=5)}), NOW) == "last record seen 5 h ago"


def test_traffic_that_fits_no_match_is_told() -> None:
    """An endpoint without records is named beside the traffic that does arrive."""
    found = config("sources: {otlp: {}}\nendpoints: {chat: {match: {service.name: bot}}, other: {match: {service.name: x}}}")

    said = [remark.what for remark in state(found, State(False, False, 0, {"shop-bot": NOW, "other": NOW}))]
    assert "endpoints.chat has seen no record with service.name=bot; records do arrive for shop-bot, which no match fits" in said
    assert not any("endpoints.other" in one for one in said)

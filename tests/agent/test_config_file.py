"""The configuration file: what is accepted, what is refused, and in which words."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]  # its stubs are not among the locked packages
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from agent.config import Config
from agent.config_file import load, read
from agent.config_hash import config_hash
from agent.config_schema import schema
from agent.errors import ConfigError

WHOLE = """
version: 1
sources:
  otlp: {http: 127.0.0.1:4318, grpc: 127.0.0.1:4317}
endpoints:
  support-chat:
    match: {service.name: support-bot}
    window: 15m
  delay-model:
    source: {azureml_blobs: {account: mlprod, container: azureml-blobstore, endpoint: delay}}
    columns: {timestamp: time, id: correlationid, prediction: y, segments: [origin]}
    window: 1h
    timezone: America/New_York
    detectors: {drift: {}}
    reference: {history: 56d, pages: both}
    alarm_budget: {episodes: 1, days: 30}
sinks:
  azure_monitor: {connection_string: "${env:APPLICATIONINSIGHTS_CONNECTION_STRING}"}
  prometheus: {listen: 127.0.0.1:9464}
paging: azure
"""
CONNECTION = "InstrumentationKey=00000000-0000-0000-0000-0000000000aa;IngestionEndpoint=https://westeurope.in.example/"
ENVIRONMENT = {"APPLICATIONINSIGHTS_CONNECTION_STRING": CONNECTION, "PORT": "4319", "SPAN": "20m"}
FOLDER = Path("/etc/driftline")


def config(text: str) -> Config:
    """Read a text that stands in config.yaml."""
    return read(text, "config.yaml", FOLDER, ENVIRONMENT)


def refused(text: str) -> list[str]:
    """Return the lines a text is refused with."""
    with pytest.raises(ConfigError) as caught:
        config(text)
    return str(caught.value).splitlines()


def endpoint(options: str) -> str:
    """Return a file whose endpoint `a` has these options."""
    return f"sources: {{otlp: {{}}}}\nendpoints: {{a: {options}}}"


def test_the_example_of_the_design_is_read() -> None:
    """Sections, durations, components, secrets and defaults arrive as values."""
    found = config(WHOLE)
    chat, model = found.endpoints["support-chat"], found.endpoints["delay-model"]

    assert (chat.window, chat.content, chat.detectors) == (timedelta(minutes=15), "off", {})
    assert (model.reference.history, model.reference.pages) == (timedelta(days=56), "both")
    assert model.columns.segments == ("origin",)
    assert model.source.account == "mlprod"
    assert tuple(model.detectors) == ("drift",)
    assert found.sinks["azure_monitor"].connection_string == CONNECTION
    assert found.state == FOLDER / "driftline-state"
    assert CONNECTION not in repr(found)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (endpoint("{windw: 15m}"), "endpoints.a.windw: unknown key (value 15m); known: alarm_budget, alerts, allowed_lateness"),
        (endpoint("{windw: 15m}"), "did you mean window?"),
        (endpoint("{content: all}"), "endpoints.a.content: all is unknown; known: features, off, sampled, transient"),
        (
            endpoint("{content: features, judge: {url: 'https://a.b', model: m}}"),
            "endpoints.a.judge: needs texts, and content: features keeps none",
        ),
        (endpoint("{redact: {keep: [dates]}}"), "endpoints.a.redact: unknown kind dates; known: "),
        (endpoint("{templates: t.txt}"), "endpoints.a.templates: prompts are held against them, and content: off drops every prompt"),
        (
            endpoint("{timezone: Europe/Stokholm}"),
            "endpoints.a.timezone: Europe/Stokholm is no IANA time zone; did you mean Europe/Stockholm?",
        ),
        (endpoint("{timezone: ../../etc/passwd}"), "endpoints.a.timezone: ../../etc/passwd is no IANA time zone"),
        (endpoint("{name: b}"), "endpoints.a.name: unknown key: the name of an endpoint is its key"),
        (endpoint("{window: 0s}"), "endpoints.a.window: 0s should be greater than"),
        (endpoint("[1]"), "endpoints.a: must be a mapping, not a list"),
        (
            endpoint("{detectors: {drfit: {}}}"),
            "endpoints.a.detectors.drfit: unknown component 'drfit'; known: ",
        ),
        (endpoint("{detectors: {drift: {bns: 3}}}"), "endpoints.a.detectors.drift.bns: unknown key (value 3); known: "),
        (
            endpoint("{detectors: {drift: {thresholds: evidently}}}"),
            "endpoints.a.detectors.drift.thresholds: evidently is scored on rows, and none are kept; add keep_rows: 2000 to the endpoint",
        ),
        (
            endpoint("{keep_rows: 2000, detectors: {drift: {thresholds: whylogs}}}"),
            "endpoints.a.detectors.drift.thresholds: whylogs is unknown; known: azureml, evidently, nannyml",
        ),
        (endpoint("{source: {files: {path: a}, files/b: {path: b}}}"), "endpoints.a.source: must name one source, not files, files/b"),
        (endpoint("{source: {otlp: {}}}"), "endpoints.a.source.otlp: 'otlp' is sent its records; put it under sources"),
        ("sources: {files: {path: a}}", "sources.files: 'files' is asked for its records; give it to the endpoint they belong to"),
        (endpoint("{reference: {history: 56d}}"), "endpoints.a.reference.history: is read from the endpoint's own source, and it has none"),
        (endpoint("{reference: {baseline: b, file: f}}"), "endpoints.a.reference.baseline: 'b' stands alone"),
        (endpoint("{alerts: {drft: {}}}"), "endpoints.a.alerts.drft: unknown alert 'drft'; known: "),
        (endpoint("{alerts: {drift: {hld: 1h}}}"), "endpoints.a.alerts.drift.hld: unknown key (value 1h); known: "),
        (endpoint("{alarm_budget: {episodes: 0}}"), "endpoints.a.alarm_budget.episodes: 0 should be greater than 0"),
        ("sources: {otlp: {}}\nendpoints: {a: {}, b: {}}", "endpoints.b.match: is the same as that of endpoint a"),
        ("sources: {otlp: {}}\njudge: {}", "judge: unknown key (value a mapping); known: currency, endpoints"),
        ("sources: {otlp: {}}\nlabels: {max_age: 7d}", "labels: unknown key"),
        (
            "sources: {otpl: {}}",
            "sources.otpl: unknown component 'otpl'; known: azureml_blobs, collector, files, labels, otlp; did you mean otlp?",
        ),
        ("sinks: {azure_monitor: {}}", "sinks.azure_monitor.connection_string: is required"),
        ("version: 2", "version: 2 is newer than this driftline reads (1); upgrade driftline"),
        ("version: one", "version: must be the number 1, not 'one'"),
        ("version: 1", "sources: nothing to watch"),
        ("", "sources: nothing to watch"),
        ("[1]", "must be a mapping, not a list"),
        ("a: 1\na: 2", "line 2, column 1: key 'a' is there twice"),
        ("a: [1", "line 1, column 6: expected"),
        ("a: !!python/object:os.system {}", "line 1, column 4: could not determine a constructor"),
        ("a: \x07", "is no YAML"),
        ("state: ${env:NOWHERE}", "state: environment variable NOWHERE is not set"),
        ("state: ${file:nowhere}", "state: file /etc/driftline/nowhere cannot be read: No such file"),
        ("state: ${vault:x}", "state: ${vault:x} is unknown; write ${env:NAME} or ${file:PATH}"),
        (
            "sources: {otlp: {}}\nspool: {max_bytes: 2MB, segment_bytes: 4MB}",
            "spool.segment_bytes: 4000000 is more than max_bytes (2000000)",
        ),
        ("sources: {otlp: {}}\npaging: pager", "paging: pager is unknown; known: agent, azure, prometheus"),
        ("sources: {otlp: {}}\n1: 2", "key 1 must be text"),
        ("version: '1'", "version: must be the number 1, not '1'"),
        ("sources: [otlp]", "sources: must be a mapping, not a list"),
        ("sources: {otlp: {http: 'http://127.0.0.1:4318'}}", "sources.otlp.http: 'http://127.0.0.1:4318' is not host:port"),
        ("sources: {otlp: {http: '0.0.0.0:4318'}}", "sources.otlp.http: 0.0.0.0 can be reached from other machines"),
        ("sources: {otlp: {http: null}}", "sources.otlp.http: give http or grpc an address"),
        ("sources: {otlp: {grpc: '127.0.0.1:4318'}}", "sources.otlp.grpc: 127.0.0.1:4318 is the address of sources.otlp.http already"),
        ("sources: {otlp: {}}\nhealth: '0.0.0.0:1'", "health: 0.0.0.0 can be reached from other machines; listen on 127.0.0.1"),
        ("sources: {otlp: {}}\nsinks: {prometheus: {listen: '9464'}}", "sinks.prometheus.listen: '9464' is not host:port"),
        ("sources: {otlp: {}}\nnotifiers: {webhook: {url: nowhere}}", "notifiers.webhook.url: must start with https://"),
        (
            "sources: {otlp: {}}\nnotifiers: {webhook: {url: 'http://169.254.169.254/'}}",
            "notifiers.webhook.url: 169.254.169.254 is a metadata",
        ),
        ("sources: {otlp: {}}\ncurrency: dollars", "currency: dollars is no ISO 4217 code"),
        ('sources: {otlp: {}}\npaging: "\\e[31m\\n"', "paging: \\x1b[31m\\n is unknown"),
        (endpoint("{alarm_budget: {days: .inf}}"), "endpoints.a.alarm_budget.days: inf should be a finite number"),
        (endpoint("{columns: {categorical: [q], numeric: [q]}}"), "endpoints.a.columns.numeric: 'q' is listed under categorical too"),
        (endpoint("{columns: {probability: q, ignore: [q]}}"), "endpoints.a.columns.probability: 'q' is listed under ignore too"),
        (
            endpoint("{columns: {prediction: q, probabilities: [p, q]}}"),
            "endpoints.a.columns.probabilities: 'q' is named for something else",
        ),
        (endpoint("{columns: {id: q, ignore: [q]}}"), "endpoints.a.columns.id: 'q' is listed under ignore too"),
        ("sources: {otlp: {}}\nendpoints: {__other__: {}}", "endpoints.__other__: is no name for an endpoint"),
        ("sources: {otlp: {}}\nendpoints: {'': {}}", "endpoints: a key is empty"),
    ],
)
def test_a_wrong_file_is_refused_in_one_line(text: str, line: str) -> None:
    """The first line names the file, the key, the value and the way out."""
    first = refused(text)[0]

    assert first.startswith("config.yaml: ")
    assert line in first


def test_off_and_on_are_words() -> None:
    """`content: off` means what it says, although older YAML reads it as false."""
    assert config("sources: {otlp: {}}\nendpoints: {a: {content: off}}").endpoints["a"].content == "off"


def test_faults_are_told_together_and_bounded() -> None:
    """Several faults are several lines, ten at most and how many more there are."""
    assert len(refused(endpoint("{windw: 1, colums: 2, detectors: {x: {}}}"))) == 3
    told = refused("\n".join(f"k{n}: 1" for n in range(30)))
    assert len(told) == 11
    assert told[-1].endswith("and 20 more")


def test_the_environment_is_put_in_and_never_shown() -> None:
    """`${env:…}` works for text, numbers and durations; a bad value is not echoed."""
    assert config(endpoint("{window: '${env:SPAN}'}")).endpoints["a"].window == timedelta(minutes=20)
    assert config("sources: {otlp: {http: '127.0.0.1:${env:PORT}'}}").sources["otlp"].http == "127.0.0.1:4319"
    assert CONNECTION not in refused(endpoint("{window: '${env:APPLICATIONINSIGHTS_CONNECTION_STRING}'}"))[0]


def test_files_are_found_beside_the_configuration(tmp_path: Path) -> None:
    """Relative paths and `${file:…}` start at the folder of the file, wherever the command was started."""
    (tmp_path / "key").write_text("k3y\n")
    path = tmp_path / "config.yaml"
    path.write_text("sources: {otlp: {}}\nstate: st\nendpoints: {a: {match: {k: '${file:key}'}, reference: {file: train.csv}}}")
    found = load(path, {})

    assert found.state == tmp_path / "st"
    assert found.endpoints["a"].reference.file == tmp_path / "train.csv"
    assert found.endpoints["a"].match == {"k": "k3y"}


@pytest.mark.parametrize(
    ("content", "words"), [(b"\xff\xfe\x00", "is not UTF-8"), (b"#" * 2**21, "is larger than"), (None, "no such file")]
)
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, content: bytes | None, words: str) -> None:
    """Missing, binary and huge files end in a sentence."""
    path = tmp_path / "config.yaml"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(ConfigError, match=words):
        load(path, {})


def test_the_schema_says_what_the_reader_says() -> None:
    """The JSON Schema accepts the example, and refuses unknown keys and wrong types as the reader does."""
    validator = jsonschema.Draft202012Validator(schema())
    jsonschema.Draft202012Validator.check_schema(schema())
    base: dict[str, Any] = yaml.safe_load(WHOLE)

    assert list(validator.iter_errors(base)) == []
    changes: tuple[dict[str, Any], ...] = (
        {"labels": {}},
        {"sinks": {"azure_monitor": {}}},
        {"sources": {"otpl": {}}},
        {"interval": 5},
        {"endpoints": {"a": {"windw": 1}}},
        {"endpoints": {"a": {"alerts": {"drft": {}}}}},
    )
    for change in changes:
        assert list(validator.iter_errors({**base, **change})), change


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda each: st.lists(each) | st.dictionaries(st.text(), each)))
def test_any_data_is_answered_with_a_sentence(data: Any) -> None:
    """Whatever stands in the file, the answer is a Config or a ConfigError."""
    text = yaml.safe_dump({"sources": {"otlp": {}}, "endpoints": {"a": data}, "spool": data})

    try:
        found = config(text)
    except ConfigError:
        return
    assert list(found.endpoints) == ["a"]


def test_the_hash_of_an_endpoint_follows_what_decides_scores() -> None:
    """Order, paging and alerts leave the hash alone; windows, detectors and references change it."""
    base = endpoint("{window: 15m, detectors: {usage: {}, drift: {}}}")

    def digest(text: str) -> str:
        return config_hash(config(text).endpoints["a"])

    assert digest(base) == digest(endpoint("{detectors: {drift: {}, usage: {}}, keep_rows: 100}")) == digest(base + "\npaging: agent")
    assert len({digest(base), digest(endpoint("{window: 1h}")), digest(endpoint("{window: 15m, detectors: {drift: {}}}"))}) == 3

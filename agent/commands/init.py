"""`driftline init`: five questions, a configuration of at most twelve lines, and what to change in the application."""

import argparse
import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path

from agent.config_file import read
from agent.config_option import DEFAULT
from agent.errors import ConfigError, InputError
from agent.terminal import say

KINDS = {
    "otlp": "calls of a language model, from an application that speaks OpenTelemetry",
    "azureml_blobs": "an Azure ML online endpoint, through its data collector's blobs",
    "collector": "a model server of your own that uses azureml-ai-monitoring",
    "files": "rows of a tabular model, from CSV, Parquet or JSONL files",
}
WHERE = {
    "otlp": ("service name of the application (empty: everything that arrives)", ""),
    "azureml_blobs": ("storage account and Azure ML endpoint, as account/endpoint", "mystorage/myendpoint"),
    "collector": ("address to listen on", "127.0.0.1:50011"),
    "files": ("files to read", "data/*.csv"),
}
SINKS = ("prometheus", "azure", "both")
_PLAIN = re.compile(r"[A-Za-z_/][\w./@-]*|\d+(ms|[smhdw])|\d+\.\d+\.\d+\.\d+:\d+", re.ASCII)
"""Text that YAML reads back as itself: names and paths, durations, addresses."""


@dataclass(frozen=True, slots=True)
class Answers:
    """The five answers."""

    kind: str
    endpoint: str
    where: str
    window: str
    sink: str


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("-c", "--config", type=Path, default=DEFAULT, metavar="FILE", help="file to write (default: %(default)s)")
    parser.add_argument("--kind", choices=KINDS, help="what to watch: " + "; ".join(f"{name}: {text}" for name, text in KINDS.items()))
    parser.add_argument("--endpoint", metavar="NAME", help="name of the endpoint in metrics and alerts")
    parser.add_argument("--where", help="service name, account/endpoint, address or files, as the kind needs it")
    parser.add_argument("--window", metavar="SPAN", help="length of a window, such as 15m, 1h or 1d")
    parser.add_argument("--sink", choices=SINKS, help="where numbers go")
    parser.add_argument("--yes", action="store_true", help="ask nothing, take defaults for what is not given")
    parser.add_argument("--force", action="store_true", help="overwrite the file")


def run(arguments: argparse.Namespace) -> int:
    """Write the file and say what is next."""
    path: Path = arguments.config
    if path.exists() and not arguments.force:
        raise ConfigError(f"{path}: is there already; --force overwrites it, -c FILE writes another")
    answers = _asked(arguments)
    text = written(answers)
    # A connection string is not needed to see whether the file is sound.
    read(text, str(path), path.resolve().parent, {"APPLICATIONINSIGHTS_CONNECTION_STRING": "InstrumentationKey=later"})
    try:
        path.write_text(text, "utf-8")
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror}") from error
    say(f"wrote {path}:\n\n{text}")
    for line in advice(answers, path):
        say(line)
    return 0


def _asked(arguments: argparse.Namespace) -> Answers:
    def answer(given: str | None, question: str, default: str, known: tuple[str, ...] = ()) -> str:
        if given is not None or arguments.yes:
            return default if given is None else given
        while True:
            sys.stderr.write(f"{question} [{default}]: ")
            sys.stderr.flush()
            line = sys.stdin.readline()
            if not line:
                raise InputError(f"no answer to '{question}'; give it as an option, or --yes for the defaults")
            text = line.strip() or default
            if not known or text in known:
                return text
            say(f"one of {', '.join(known)}", sys.stderr)

    if arguments.kind is None and not arguments.yes:
        for name, meaning in KINDS.items():
            say(f"  {name:14} {meaning}", sys.stderr)
    kind = answer(arguments.kind, "1/5 what to watch", "otlp", tuple(KINDS))
    endpoint = answer(arguments.endpoint, "2/5 name of the endpoint", "support-chat" if kind == "otlp" else "my-model")
    where = answer(arguments.where, f"3/5 {WHERE[kind][0]}", WHERE[kind][1])
    window = answer(arguments.window, "4/5 length of a window", "15m" if kind == "otlp" else "1h")
    sink = answer(arguments.sink, "5/5 where numbers go: prometheus, azure or both", "prometheus", SINKS)
    return Answers(kind, endpoint, where, window, sink)


def written(answers: Answers) -> str:
    """Return the configuration, at most twelve lines.

    >>> print(written(Answers("otlp", "support-chat", "support-bot", "15m", "prometheus")).strip())
    version: 1
    sources:
      otlp: {http: 127.0.0.1:4318, grpc: 127.0.0.1:4317}
    endpoints:
      support-chat:
        match: {service.name: support-bot}
        window: 15m
    sinks:
      prometheus: {listen: 127.0.0.1:9464}
    paging: prometheus
    """
    lines = ["version: 1"]
    where, name = _quoted(answers.where), _quoted(answers.endpoint)
    body: list[str] = []
    if answers.kind == "otlp":
        lines += ["sources:", "  otlp: {http: 127.0.0.1:4318, grpc: 127.0.0.1:4317}"]
        body = [f"match: {{service.name: {where}}}"] if answers.where else []
    elif answers.kind == "collector":
        lines += ["sources:", f"  collector: {{http: {where}}}"]
    elif answers.kind == "azureml_blobs":
        account, _, remote = answers.where.partition("/")
        options = f"account: {_quoted(account)}, container: azureml-blobstore, endpoint: {_quoted(remote)}"
        body = [f"source: {{azureml_blobs: {{{options}}}}}", "reference: {history: 56d}"]
    else:
        body = [f"source: {{files: {{path: {where}}}}}"]
    lines += ["endpoints:", f"  {name}:", *(f"    {line}" for line in [*body, f"window: {_quoted(answers.window)}"]), "sinks:"]
    if answers.sink != "azure":
        lines.append("  prometheus: {listen: 127.0.0.1:9464}")
    if answers.sink != "prometheus":
        lines.append('  azure_monitor: {connection_string: "${env:APPLICATIONINSIGHTS_CONNECTION_STRING}"}')
    lines.append(f"paging: {'prometheus' if answers.sink == 'prometheus' else 'azure'}")
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    """Return text as YAML reads it back: bare where that is safe.

    >>> _quoted("support-bot"), _quoted("12"), _quoted("a: b")
    ('support-bot', '"12"', '"a: b"')
    """
    if _PLAIN.fullmatch(text) and text.lower() not in {"yes", "no", "on", "off", "true", "false", "null", "y", "n"}:
        return text
    return json.dumps(text)


def advice(answers: Answers, path: Path) -> list[str]:
    """Return what is left to do, in order."""
    steps = {
        "otlp": [
            "in the application, set one environment variable:",
            "  OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318",
            "  (for an SDK that speaks gRPC: http://127.0.0.1:4317)",
        ],
        "azureml_blobs": [
            "in the application, nothing: the data collector writes the blobs once the deployment has data_collector switched on",
            "give the agent the role Storage Blob Data Reader on the account",
        ],
        "collector": [
            "in the server that uses azureml-ai-monitoring, send to this agent instead of Azure's:",
            f"  AZUREML_MDC_HOST={answers.where.rpartition(':')[0]} AZUREML_MDC_PORT={answers.where.rpartition(':')[2]}",
        ],
        "files": [
            "in the application, nothing: files are read as they appear and grow",
            "if they have a time column, name it under the endpoint: columns: {timestamp: NAME}",
        ],
    }[answers.kind]
    if answers.sink != "prometheus":
        steps.append("set APPLICATIONINSIGHTS_CONNECTION_STRING for the agent (Application Insights, Overview, Connection string)")
    return [*steps, "then:", f"  driftline doctor -c {path}", f"  driftline run -c {path}"]

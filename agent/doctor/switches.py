"""Environment variables of instrumentations that decide what the spans of an application carry."""

from collections.abc import Iterator, Mapping

from agent.doctor.remark import Remark

CONTENT = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
OPT_IN = "OTEL_SEMCONV_STABILITY_OPT_IN"
LATEST = "gen_ai_latest_experimental"
_NEW_CONTENT = ("no_content", "span_only", "event_only", "span_and_event")
_ON = ("true", "1", "yes")


def switches(environment: Mapping[str, str]) -> Iterator[Remark]:
    """Judge the switches of this environment; run doctor in the application's to judge those."""
    latest = LATEST in environment.get(OPT_IN, "").split(",")
    content = environment.get(CONTENT, "").lower()
    if latest and content in {"true", "false"}:
        # The new form answers an unknown value with a warning and captures nothing (util-genai, source read).
        yield Remark(
            "warning",
            f"{CONTENT}={content} is no value of the new conventions that {OPT_IN} asks for: it is refused and no content is captured",
            f"export {CONTENT}=no_content, or one of {', '.join(_NEW_CONTENT[1:])}",
        )
    elif content and not latest and content in _NEW_CONTENT:
        yield Remark("note", f"{CONTENT}={content} is understood by the new conventions only", f"export {OPT_IN}={LATEST}")
    captured = [
        name
        for name in (CONTENT, "AZURE_TRACING_GEN_AI_CONTENT_RECORDING_ENABLED", "TRACELOOP_TRACE_CONTENT")
        if environment.get(name, "").lower() in {*_ON, *_NEW_CONTENT[1:]}
    ]
    for name in captured:
        if name != CONTENT or content != "true" or not latest:
            yield Remark("note", f"{name} makes the application send text; driftline drops it where `content` is off")
    if environment.get("OTEL_INSTRUMENTATION_GENAI_COMPLETION_HOOK") == "upload":
        yield Remark(
            "note", "OTEL_INSTRUMENTATION_GENAI_COMPLETION_HOOK=upload leaves references in the spans; driftline does not follow them"
        )
    yield from _exporting(environment)


def _exporting(environment: Mapping[str, str]) -> Iterator[Remark]:
    if environment.get("OTEL_SDK_DISABLED", "").lower() == "true":
        yield Remark("warning", "OTEL_SDK_DISABLED=true: an application in this environment sends nothing", "unset OTEL_SDK_DISABLED")
    if environment.get("OTEL_TRACES_EXPORTER", "otlp").lower() == "none":
        yield Remark(
            "warning", "OTEL_TRACES_EXPORTER=none: an application in this environment sends no calls", "unset OTEL_TRACES_EXPORTER"
        )
    sampler = environment.get("OTEL_TRACES_SAMPLER", "always_on")
    if "ratio" in sampler or "off" in sampler:
        yield Remark(
            "warning",
            f"OTEL_TRACES_SAMPLER={sampler}: calls that are not sampled never arrive, and are at best estimated",
            "export OTEL_TRACES_SAMPLER=always_on, or set endpoints.NAME.sampled_upstream",
        )
    protocol = environment.get("OTEL_EXPORTER_OTLP_PROTOCOL", "")
    target = environment.get("OTEL_EXPORTER_OTLP_ENDPOINT", "")
    if (protocol == "grpc" and target.endswith(":4318")) or (protocol.startswith("http") and target.endswith(":4317")):
        right = "4317" if protocol == "grpc" else "4318"
        yield Remark(
            "warning",
            f"OTEL_EXPORTER_OTLP_PROTOCOL={protocol} and OTEL_EXPORTER_OTLP_ENDPOINT={target} do not go together",
            f"export OTEL_EXPORTER_OTLP_ENDPOINT={target[:-4]}{right}",
        )

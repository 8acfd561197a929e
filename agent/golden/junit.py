"""A run as JUnit XML: red where a gate fails, and nowhere else. Single pairs are shown, but flake is no failure."""

from xml.etree.ElementTree import Element, SubElement, tostring

from agent.golden.report import Report
from agent.golden.run import OVERALL
from agent.terminal import clean


def junit(report: Report, fail_on: tuple[str, ...]) -> bytes:
    """Return the XML; tests fail exactly where the command ends with another code than 0. Ids and names only, no text."""
    run = report.run
    whole = Element("testsuites", name=clean(f"driftline golden {run.name}"))
    gates = SubElement(whole, "testsuite", name=clean(f"{run.name} gates"), timestamp=run.started, time=f"{run.seconds:.3f}")
    properties = SubElement(gates, "properties")
    for name, value in (
        ("verdict", report.verdict),
        ("endpoint", run.endpoint),
        ("models", ", ".join(run.models)),
        ("fingerprints", ", ".join(run.fingerprints)),
        ("repeats", str(run.repeats)),
    ):
        SubElement(properties, "property", name=name, value=clean(value))
    failures = 0
    for gate in report.gates:
        case = SubElement(gates, "testcase", classname=clean(f"golden.{run.name}.{gate.kind}"), name=clean(gate.name), time="0")
        wanted = gate.kind in fail_on or gate.kind == "answers" or (gate.kind == "regression" and "suspicion" in fail_on)
        red = gate.state == "failed" or (gate.state == "suspected" and gate.kind == "regression" and "suspicion" in fail_on)
        if red and wanted:
            failures += 1
            SubElement(case, "failure", message=clean(gate.text), type=gate.kind).text = clean(gate.text)
        elif gate.state != "passed":
            SubElement(case, "skipped", message=clean(f"{gate.state}: {gate.text}"))
        else:
            SubElement(case, "system-out").text = clean(gate.text)
    _count(gates, failures)
    pairs = SubElement(whole, "testsuite", name=clean(f"{run.name} pairs"), timestamp=run.started, time="0")
    for one in run.pairs:
        case = SubElement(pairs, "testcase", classname=clean(f"golden.{run.name}.pairs"), name=clean(one.id), time="0")
        passed, of = one.passes.get(OVERALL, (0, 0))
        if of < one.answered + one.filtered + one.gaps or passed < of:
            failing = [f"{name} {good} of {total}" for name, (good, total) in one.passes.items() if good < total]
            lacking = [f"{one.filtered} filtered"] * bool(one.filtered) + [f"{one.gaps} missing"] * bool(one.gaps)
            SubElement(case, "skipped", message=clean(f"line {one.line}: passes " + ", ".join([*failing, *lacking])))
    _count(pairs, 0)
    whole.set("tests", str(len(report.gates) + len(run.pairs)))
    whole.set("failures", str(failures))
    body: bytes = tostring(whole, encoding="utf-8", xml_declaration=True)
    return body


def _count(suite: Element, failures: int) -> None:
    cases = suite.findall("testcase")
    suite.set("tests", str(len(cases)))
    suite.set("failures", str(failures))
    suite.set("errors", "0")
    suite.set("skipped", str(sum(case.find("skipped") is not None for case in cases)))

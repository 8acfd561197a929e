"""A recogniser beside the running agent: a judge reads no name it found, and nothing at all once it is down."""

import json
from pathlib import Path

from tests.fakes.agent_process import AgentProcess, free_port
from tests.fakes.judge_server import JudgeServer
from tests.fakes.language_server import LanguageServer
from tests.fakes.talking_application import talk

CONFIG = """
version: 1
interval: 1s
sources:
  otlp: {{http: "127.0.0.1:{port}"}}
endpoints:
  shop:
    window: 2s
    allowed_lateness: 0s
    content: transient
    redact: {{recognisers: {{azure_language: {{url: "http://127.0.0.1:{language}", timeout: 2}}}}}}
    judge: {{url: "http://127.0.0.1:{judge}/v1", model: judge, key: k, timeout: 2, evaluators: [relevance], calls: 5}}
sinks:
  prometheus: {{listen: "127.0.0.1:{metrics}"}}
"""


def test_names_do_not_reach_the_judge(tmp_path: Path) -> None:
    """Patterns went over the texts before; what the service finds is taken out too; texts it fails on are dropped and counted."""
    with (
        JudgeServer.serve(lambda _: json.dumps({"relevance": {"reason": "Ok.", "score": 4}})) as judge,
        LanguageServer().serve() as service,
    ):
        port, metrics = free_port(), free_port()
        agent = AgentProcess(tmp_path, CONFIG.format(port=port, metrics=metrics, judge=judge.port, language=service.port), metrics)
        agent.start()
        try:
            said = [(f"I am Ann, ann{call}@example.org, where is it?", "Ann, it comes.") for call in range(8)]
            talk(port, said, 2_000_000_000)
            agent.until(lambda: agent.total("driftline_evaluation_samples", endpoint="shop") == 5)
            service.well = False
            talk(port, said, 2_000_000_000)
            agent.until(lambda: agent.total("driftline_agent_dropped_total", source="content", reason="unrecognised") == 5)
            agent.wait_for_line("endpoints.shop.redact.recognisers.azure_language: Azure AI Language answered 500")
        finally:
            assert agent.stop() == 0
        assert len(judge.bodies) == 5
        assert not [body for body in judge.bodies if "Ann" in body or "example.org" in body]
        assert "<person>" in judge.bodies[0]
        assert "example.org" not in json.dumps(service.asked)
        assert not [line for line in agent.log if "Ann" in line]

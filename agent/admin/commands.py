"""What can be asked of a running agent, by name. Work on streams is done in the engine's thread, words are found outside it."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from agent.baselines.asked import accept_from, chosen_from, exclude_from
from agent.baselines.changing import Changing, endpoint_of
from agent.baselines.excluding import exclude
from agent.baselines.importing import FromWindows
from agent.baselines.keeping import keep
from agent.baselines.stored import fit_name
from agent.baselines.streams import Living
from agent.baselines.wording import accepted_lines, cut_lines
from agent.config import Config
from agent.engine import Engine
from agent.errors import ConfigError
from agent.pipeline import Pipeline
from agent.sources import Clock
from agent.store.store import Store
from agent.upstream.weighing import sentence

Options = Mapping[str, Any]

if TYPE_CHECKING:
    from agent.golden.canaries import Canaries


@dataclass(frozen=True, slots=True)
class Commands:
    """The admin API of one running configuration."""

    config: Config
    store: Store
    engine: Engine
    clock: Clock
    golden: "Canaries | None" = None

    def do(self, command: str, options: Options) -> Mapping[str, Any]:
        """Do a command. Raises ConfigError for an unknown one, and whatever the command raises."""
        known: dict[str, Callable[[Options], Mapping[str, Any]]] = {
            "status": self._status,
            "baseline.accept": self._accept,
            "baseline.exclude": self._exclude,
            "baseline.build": self._build,
            "golden.accept": self._accept_run,
        }
        if command not in known:
            raise ConfigError(f"command: unknown '{command}'; known: {', '.join(known)}")
        return known[command](options)

    def _status(self, _: Options) -> Mapping[str, Any]:
        thinned = {"/".join(stream): sentence(parts) for stream, parts in dict(self.engine.pipeline.upstream.thinned).items()}
        return {
            "driftline": version("driftline"),
            "process": os.getpid(),
            "endpoints": sorted(self.config.endpoints),
            "sampled_upstream": thinned,
        }

    def _accept(self, options: Options) -> Mapping[str, Any]:
        asked = accept_from(options)
        found = self.engine.ask(lambda pipeline: self._changing(pipeline).accept(asked))
        return {"lines": [line for one in found for line in accepted_lines(one)]}

    def _exclude(self, options: Options) -> Mapping[str, Any]:
        asked = exclude_from(options)
        found = self.engine.ask(lambda pipeline: exclude(self._changing(pipeline), asked))
        return {"lines": list(cut_lines(found))}

    def _build(self, options: Options) -> Mapping[str, Any]:
        chosen, name = chosen_from(options), fit_name(str(options.get("name", "")))
        endpoint = endpoint_of(self.config, chosen.endpoint)
        made = self.engine.ask(lambda pipeline: FromWindows(self._changing(pipeline), chosen).baseline(endpoint))
        return {"lines": list(keep(self.store, name, made, endpoint))}

    def _accept_run(self, options: Options) -> Mapping[str, Any]:
        if self.golden is None:
            raise ConfigError("golden: this agent runs no golden sets")
        return {"lines": self.golden.accept(str(options.get("endpoint", "")), str(options.get("name", "")))}

    def _changing(self, pipeline: Pipeline) -> Changing:
        return Changing(self.config, self.store, Living(pipeline), self.clock)

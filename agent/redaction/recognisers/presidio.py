"""Personal data as Microsoft Presidio recognises it on this machine, with a spaCy model that is installed already."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Annotated, Any

from annotated_types import Ge, Gt, Le

from agent.errors import ConfigError, Unavailable
from agent.redaction.recognisers.azure_language import kind_of


@dataclass(frozen=True, slots=True)
class Presidio:
    """Texts stay on this machine; the model takes some hundred megabytes. Install `presidio-analyzer` and the model yourself."""

    model: str = "en_core_web_lg"
    """Name of an installed spaCy model. Nothing is downloaded."""
    language: str = "en"
    """Language of texts and model."""
    entities: tuple[str, ...] = ()
    """Entities to look for, as Presidio names them, such as `PERSON`; none: all it knows."""
    confidence: Annotated[float, Ge(0), Le(1)] = 0.4
    """What it is less sure of stays."""
    timeout: Annotated[float, Gt(0)] = 10.0
    """Seconds for one text."""

    def check(self) -> None:
        """Raise ConfigError where package or model is not installed."""
        for name in ("presidio_analyzer", "spacy", self.model):
            if not name.isidentifier() or find_spec(name) is None:
                what = f"the spaCy model {name} is" if name == self.model else f"the package {name.replace('_', '-')} is"
                raise ConfigError(f"model: {what} not installed; pip install presidio-analyzer, and the model's wheel")

    def open(self) -> "Opened":
        """Load package and model, which takes seconds. Raises Unavailable where they do not load."""
        self.check()
        # Imported here: 300 MB that only this recogniser needs.
        import tldextract  # type: ignore[import-not-found]  # noqa: PLC0415  # comes with Presidio
        from presidio_analyzer import AnalyzerEngine  # type: ignore[import-not-found]  # noqa: PLC0415  # an extra
        from presidio_analyzer.nlp_engine import NlpEngineProvider  # type: ignore[import-not-found]  # noqa: PLC0415  # an extra

        # It would fetch a list of domains from the internet at the first address; the list it brings along will do.
        tldextract.tldextract.TLD_EXTRACTOR = tldextract.TLDExtract(suffix_list_urls=())
        models = [{"lang_code": self.language, "model_name": self.model}]
        try:
            engine = NlpEngineProvider(nlp_configuration={"nlp_engine_name": "spacy", "models": models}).create_engine()
            return Opened(self, AnalyzerEngine(nlp_engine=engine, supported_languages=[self.language]))
        except (OSError, ValueError) as error:
            raise Unavailable(f"redact.recognisers.presidio: {self.model} does not load: {type(error).__name__}") from error


@dataclass(slots=True)
class Opened:
    """An engine that is loaded."""

    options: Presidio
    engine: Any

    def spans(self, text: str) -> Sequence[tuple[int, int, str]]:
        """See Recogniser."""
        options = self.options
        found = self.engine.analyze(
            text=text, language=options.language, entities=list(options.entities) or None, score_threshold=options.confidence
        )
        return [(int(one.start), int(one.end), kind_of(str(one.entity_type))) for one in found]

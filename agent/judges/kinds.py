"""Whose questions a judge may be asked: driftline's own, or those of another product that runs in a worker process."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version

from agent.errors import ConfigError
from agent.judges.chat import Kind
from agent.judges.criteria import CRITERIA, Criterion, Needed


@dataclass(frozen=True, slots=True)
class Product:
    """Another product's evaluators."""

    package: str
    extra: str | None
    """Extra of driftline that brings it; None: it is always there."""
    criteria: Mapping[str, Criterion]
    prompt_tokens: int
    """Of a usual question, for the estimate that is told before the first call."""
    also: Mapping[str, tuple[Needed, ...]] = field(default_factory=dict)
    """What an evaluator takes into account where it is there."""


def _of(name: str, *needs: Needed) -> Criterion:
    return Criterion(name, needs, "", "", "")


AZURE = Product(
    "azure-ai-evaluation",
    "azure-evaluation",
    {
        one.name: one
        for one in (
            _of("coherence", "question", "answer"),
            _of("fluency", "answer"),
            _of("groundedness", "answer", "context"),
            _of("relevance", "question", "answer"),
            _of("retrieval", "question", "context"),
            _of("similarity", "question", "answer", "truth"),
            _of("response_completeness", "answer", "truth"),
        )
    },
    2_200,
    {"groundedness": ("question",)},
)
EVIDENTLY = Product(
    "evidently",
    None,
    {
        one.name: one
        for one in (
            _of("toxicity", "answer"),
            _of("negativity", "answer"),
            _of("bias", "answer"),
            _of("pii", "answer"),
            _of("decline", "answer"),
            _of("context_quality", "question", "context"),
            _of("faithfulness", "answer", "context"),
            _of("completeness", "answer", "context"),
            _of("correctness", "answer", "truth"),
        )
    },
    700,
)
"""Two classes each: the wanted one scores 5, the other 1."""

PRODUCTS: Mapping[Kind, Product] = {"azure_ai_evaluation": AZURE, "evidently": EVIDENTLY}


def criteria_of(kind: Kind) -> Mapping[str, Criterion]:
    """Return what a judge of a kind can be asked for, by name."""
    return PRODUCTS[kind].criteria if kind in PRODUCTS else CRITERIA


def installed(kind: Kind) -> str:
    """Return the version of the product whose questions are asked, empty for driftline's own. Raises ConfigError where it is missing."""
    if kind not in PRODUCTS:
        return ""
    product = PRODUCTS[kind]
    try:
        return version(product.package)
    except PackageNotFoundError:
        way = f"pip install 'driftline[{product.extra}]'" if product.extra else f"pip install {product.package}"
        raise ConfigError(f"kind: {kind} needs the package {product.package}, which is not installed; {way}") from None

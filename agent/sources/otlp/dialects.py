"""The mapping as data: for every field of a model call, the attributes that may carry it, best first."""

from collections.abc import Mapping
from typing import NamedTuple

from agent.sources.otlp.values import Reader, answer, closing, flag, items, kept, model, moment, name, number, present, quoted, seconds


class At(NamedTuple):
    """A field that stands in an attribute."""

    attribute: str
    read: Reader


class Inside(NamedTuple):
    """A field that stands inside a document: another field, one that holds JSON."""

    document: str
    read: Reader
    path: tuple[str, ...]


def _each(read: Reader, *attributes: str) -> tuple[At, ...]:
    return tuple(At(attribute, read) for attribute in attributes)


def _inside(read: Reader, documents: str, *paths: str) -> tuple[Inside, ...]:
    """Return the places of a field in documents: `a.b` is the key b of what stands under a."""
    return tuple(Inside(document, read, tuple(path.split("."))) for document in documents.split() for path in paths)


FIELDS: Mapping[str, tuple[At | Inside, ...]] = {
    "operation": (
        *_each(name, "gen_ai.operation.name", "openinference.span.kind"),
        *_each(quoted, "mlflow.spanType"),
        *_each(name, "langfuse.observation.type", "llm.request.type", "traceloop.span.kind", "langsmith.span.kind", "span_type"),
    ),
    "provider": (
        *_each(name, "gen_ai.provider.name", "gen_ai.system", "llm.provider", "llm.system"),
        *_each(quoted, "mlflow.message.format"),
    ),
    "request_model": (
        # LangChain's own word: what OpenLLMetry takes for the requested model is the one that answered.
        *_each(model, "traceloop.association.properties.ls_model_name", "gen_ai.request.model"),
        *_inside(model, "parameters", "azure_deployment", "deployment_name", "model", "model_name"),
        *_each(model, "model"),
        *_inside(model, "request", "model"),
        *_inside(model, "metadata", "ls_model_name"),
    ),
    "model": (
        *_each(
            model,
            "gen_ai.response.model",
            "llm.response.model",
            "llm.model_name",
            "embedding.model_name",
            "mlflow.llm.model",
            "langfuse.observation.model.name",
        ),
        *_inside(model, "response", "model", "llm_output.model_name"),
    ),
    "response_id": (
        *_each(name, "gen_ai.response.id"),
        *_inside(answer, "response", "id", "llm_output.id"),
    ),
    "fingerprint": (
        *_each(
            name,
            "openai.response.system_fingerprint",
            "gen_ai.openai.response.system_fingerprint",
            "gen_ai.openai.system_fingerprint",
        ),
        *_inside(name, "response", "system_fingerprint", "llm_output.system_fingerprint"),
    ),
    "input_tokens": (
        *_each(
            number,
            "gen_ai.usage.input_tokens",
            "gen_ai.usage.prompt_tokens",
            "llm.usage.prompt_tokens",
            "llm.token_count.prompt",
        ),
        *_inside(number, "usage", "input_tokens", "input", "prompt_tokens"),
        *_inside(number, "response", "usage.input_tokens", "usage.prompt_tokens", "llm_output.token_usage.prompt_tokens"),
    ),
    "output_tokens": (
        *_each(
            number,
            "gen_ai.usage.output_tokens",
            "gen_ai.usage.completion_tokens",
            "llm.usage.completion_tokens",
            "llm.token_count.completion",
        ),
        *_inside(number, "usage", "output_tokens", "output", "completion_tokens"),
        *_inside(number, "response", "usage.output_tokens", "usage.completion_tokens", "llm_output.token_usage.completion_tokens"),
    ),
    "cache_read_tokens": (
        *_each(
            number,
            "gen_ai.usage.cache_read.input_tokens",
            "gen_ai.usage.cache_read_input_tokens",
            "llm.token_count.prompt_details.cache_read",
            "gen_ai.usage.details.cache_read_tokens",
        ),
        *_inside(
            number,
            "usage raw_usage",
            "cache_read_input_tokens",
            "prompt_tokens_details.cached_tokens",
            "input_tokens_details.cached_tokens",
            "input_cached_tokens",
        ),
        *_inside(number, "response", "usage.prompt_tokens_details.cached_tokens", "usage.input_tokens_details.cached_tokens"),
    ),
    "cache_write_tokens": (
        *_each(
            number,
            "gen_ai.usage.cache_write.input_tokens",
            "gen_ai.usage.cache_creation.input_tokens",
            "gen_ai.usage.cache_creation_input_tokens",
            "llm.token_count.prompt_details.cache_write",
        ),
        *_inside(number, "usage raw_usage", "cache_creation_input_tokens"),
    ),
    "reasoning_tokens": (
        *_each(
            number,
            "gen_ai.usage.reasoning.output_tokens",
            "gen_ai.usage.reasoning_tokens",
            "llm.token_count.completion_details.reasoning",
            "gen_ai.usage.details.reasoning_tokens",
            "llm.usage.reasoning_tokens",
        ),
        *_inside(
            number,
            "usage raw_usage",
            "completion_tokens_details.reasoning_tokens",
            "output_tokens_details.reasoning_tokens",
            "output_reasoning_tokens",
        ),
        *_inside(number, "response", "usage.completion_tokens_details.reasoning_tokens", "usage.output_tokens_details.reasoning_tokens"),
    ),
    "time_to_first_token": _each(
        seconds,
        "gen_ai.response.time_to_first_chunk",
        "gen_ai.client.operation.time_to_first_chunk",
        "gen_ai.server.time_to_first_token",
    ),
    "first_token": _each(moment, "langfuse.observation.completion_start_time"),
    "stream": (
        *_each(flag, "gen_ai.request.stream", "gen_ai.is_streaming", "llm.is_streaming"),
        *_inside(flag, "parameters", "stream"),
        *_each(flag, "stream"),
        *_inside(flag, "request", "stream"),
    ),
    "finish": _each(
        items,
        "gen_ai.response.finish_reasons",
        "gen_ai.response.finish_reason",
        "llm.finish_reason",
        "langfuse.observation.metadata.finish_reason",
    ),
    "closing": _each(closing, "logfire.span_type"),
    "error": _each(name, "error.type"),
    "error_message": _each(name, "langfuse.observation.status_message"),
    "http_status": _each(number, "http.response.status_code", "http.status_code"),
    "http_method": _each(name, "http.request.method", "http.method"),
    "host": _each(name, "server.address"),
    "api_base": _each(name, "gen_ai.openai.api_base"),
    "api_version": _each(name, "gen_ai.openai.api_version"),
    "traffic": _each(name, "driftline.traffic"),
    "system_instructions": _each(kept, "gen_ai.system_instructions"),
    "input_messages": _each(kept, "gen_ai.input.messages"),
    "output_messages": _each(kept, "gen_ai.output.messages"),
    "request": _each(kept, "input.value", "mlflow.spanInputs", "langfuse.observation.input", "inputs", "gen_ai.prompt", "request_data"),
    "response": _each(
        kept, "output.value", "mlflow.spanOutputs", "langfuse.observation.output", "output", "gen_ai.completion", "response_data"
    ),
    "parameters": _each(kept, "llm.invocation_parameters", "embedding.invocation_parameters"),
    "usage": _each(kept, "mlflow.chat.tokenUsage", "langfuse.observation.usage_details"),
    "raw_usage": _each(kept, "gen_ai.usage.raw"),
    "metadata": _each(kept, "metadata"),
    "prompt_filters": _each(kept, "gen_ai.prompt.prompt_filter_results", "gen_ai.prompt_filter_results"),
    "call_filters": _each(kept, "microsoft.foundry.content_filter.results"),
    "conversation": _each(
        name,
        "gen_ai.conversation.id",
        "session.id",
        "langfuse.session.id",
        "traceloop.association.properties.conversation_id",
        "traceloop.association.properties.session_id",
        "traceloop.association.properties.thread_id",
        "traceloop.association.properties.chat_id",
    ),
    "tools": _each(kept, "gen_ai.tool.definitions", "mlflow.chat.tools"),
    "tool": _each(name, "gen_ai.tool.name", "tool.name"),
    "entity": _each(name, "traceloop.entity.name"),
    "data_source": _each(name, "gen_ai.data_source.id", "db.collection.name"),
    "documents": _each(present, "gen_ai.retrieval.documents", "retrieval.documents", "gen_ai.retriever.results"),
    "db_system": _each(name, "db.system", "db.system.name"),
    "db_operation": _each(name, "db.operation", "db.operation.name"),
    "vector_top_k": _each(number, "db.vector.query.top_k"),
}
"""Field -> places, first hit wins."""

FLAT: Mapping[str, str] = {
    "gen_ai.prompt.": "flat_input",
    "gen_ai.completion.": "flat_output",
    "llm.input_messages.": "flat_input",
    "llm.output_messages.": "flat_output",
    "llm.prompts.": "flat_input",
    "llm.completions.": "flat_output",
    "retrieval.documents.": "flat_documents",
    "llm.tools.": "flat_tools",
    "llm.request.functions.": "flat_tools",
}
"""Families of attributes `<prefix><index>.<rest>`: one message in many attributes."""

FILTERS = ("content_filter", "filter_result")
"""An attribute with one of these in its name holds filter results, whoever writes it."""

PROMPTS = ("prompt", "input")
"""Where one of these stands before, the results are those of the prompt."""

FLAT_ENDS: Mapping[str, tuple[str, ...]] = {"flat_tools": ("name", "json_schema")}
"""Of these families only the attributes that end so are read."""

VECTOR_STORES = frozenset({"chroma", "chromadb", "lancedb", "marqo", "milvus", "pinecone", "qdrant", "weaviate"})
"""Databases (`db.system`) whose queries are searches for documents."""

QUERIES = frozenset(
    {"query", "query_batch", "query_points", "search", "search_batch", "search_points", "hybrid_search", "similarity_search"}
)
"""What their instrumentations call such a query."""

RESULT_EVENTS = frozenset({"db.query.result", "db.search.result"})
"""Span events that tell of one document found each."""

OPERATIONS: Mapping[str, str] = {
    "llm": "chat",
    "chat_model": "chat",
    "generation": "chat",
    "responses": "chat",
    "completion": "text_completion",
    "embedding": "embeddings",
}
"""What other dialects call an operation."""

CALLS = frozenset({"chat", "text_completion", "embeddings", "generate_content"})
"""Operations that are calls of a model. Everything else (agents, chains, tools, retrieval) only wraps or serves them."""

ANSWERING = frozenset({"chat", "text_completion", "generate_content"})
"""Calls that end with a finish reason."""

PROVIDERS: Mapping[str, str] = {
    "az.ai.openai": "azure.ai.openai",
    "azure": "azure.ai.openai",
    "azure_openai": "azure.ai.openai",
    "az.ai.inference": "azure.ai.inference",
    "microsoft.foundry": "azure.ai.foundry",
    "vertex_ai": "gcp.vertex_ai",
    "vertexai": "gcp.vertex_ai",
    "gemini": "gcp.gemini",
    "google": "gcp.gemini",
    "azure-openai": "azure.ai.openai",
    "xai": "x_ai",
    "mistralai": "mistral_ai",
    "bedrock": "aws.bedrock",
    "aws": "aws.bedrock",
}
"""Older and other names of a provider."""

NAMES: Mapping[str, str] = {"OpenAI-": "openai"}
"""Beginnings of the names of spans that tell the provider where no attribute does."""

FIRST_TOKEN_EVENTS = ("First Token Stream Event", "gen_ai.content.completion.chunk", "llm.content.completion.chunk", "mlflow.chunk.item.")
"""Beginnings of names of span events; the first such event of a span marks the first token."""

EVENT_CONTENT = frozenset({"gen_ai.event.content", "gen_ai.prompt", "gen_ai.completion"})
"""Attributes of a span event that hold its messages."""

UNREAD = frozenset(
    {
        "gen_ai.agent.call.id",
        "gen_ai.agent.description",
        "gen_ai.agent.id",
        "gen_ai.agent.name",
        "gen_ai.agent.version",
        "gen_ai.aggregated_usage.cache_read.input_tokens",
        "gen_ai.aggregated_usage.details.accepted_prediction_tokens",
        "gen_ai.aggregated_usage.details.audio_tokens",
        "gen_ai.aggregated_usage.details.cache_read_tokens",
        "gen_ai.aggregated_usage.details.reasoning_tokens",
        "gen_ai.aggregated_usage.details.rejected_prediction_tokens",
        "gen_ai.aggregated_usage.input_tokens",
        "gen_ai.aggregated_usage.output_tokens",
        "gen_ai.embeddings.dimension.count",
        "gen_ai.openai.request.response_format",
        "gen_ai.openai.request.service_tier",
        "gen_ai.openai.response.service_tier",
        "gen_ai.output.type",
        "gen_ai.prompt.name",
        "gen_ai.prompt.version",
        "gen_ai.request.choice.count",
        "gen_ai.request.encoding_formats",
        "gen_ai.request.frequency_penalty",
        "gen_ai.request.max_tokens",
        "gen_ai.request.presence_penalty",
        "gen_ai.request.previous_response.id",
        "gen_ai.request.reasoning.level",
        "gen_ai.request.reasoning_effort",
        "gen_ai.request.seed",
        "gen_ai.request.stop_sequences",
        "gen_ai.request.structured_output_schema",
        "gen_ai.request.temperature",
        "gen_ai.request.top_k",
        "gen_ai.request.top_p",
        "gen_ai.retrieval.query.text",
        "gen_ai.retrieval.top_k",
        "gen_ai.retriever.query",
        "gen_ai.tool.call.arguments",
        "gen_ai.tool.call.id",
        "gen_ai.tool.call.result",
        "gen_ai.tool.description",
        "gen_ai.tool.type",
        "gen_ai.task.id",
        "gen_ai.task.input",
        "gen_ai.task.name",
        "gen_ai.task.output",
        "gen_ai.task.parent.id",
        "gen_ai.task.status",
        "gen_ai.usage.details.accepted_prediction_tokens",
        "gen_ai.usage.details.audio_tokens",
        "gen_ai.usage.details.rejected_prediction_tokens",
        "gen_ai.usage.total_tokens",
        "gen_ai.user",
        "gen_ai.workflow.edges",
        "gen_ai.workflow.nodes",
        "llm.generated_message",
        "llm.headers",
        "llm.prompt_template.template",
        "llm.request.functions.N.description",
        "llm.request.functions.N.parameters",
        "llm.token_count.completion_details.audio",
        "llm.token_count.prompt_details.audio",
        "llm.token_count.total",
        "llm.usage.total_tokens",
        "llm.user",
    }
)
"""GenAI attributes we know and have no use for; `N` stands for an index. Others of `gen_ai.` and `llm.` are counted as unmapped."""

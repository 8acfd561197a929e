"""What a deployment takes: parameters differ from model to model, and a refusal names the one it does not know."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

Form = Literal["json_schema", "json_object", "none"]

_LESS: dict[Form, Form] = {"json_schema": "json_object", "json_object": "none"}
_FORM = re.compile(rb"response_format|json_schema|json_object", re.IGNORECASE)
_UNKNOWN = re.compile(
    rb"unsupported|not supported|does not support|unrecognized|unknown|not permitted|invalid|extra inputs|unexpected", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Abilities:
    """What is sent to one deployment; begins with everything, and leaves out what was refused."""

    temperature: bool = True
    """Reasoning models take none but their own."""
    limit: Literal["max_completion_tokens", "max_tokens"] = "max_completion_tokens"
    """Older servers and versions of the API know the second only."""
    form: Form = "json_schema"

    def parameters(self, most: int, schema: Mapping[str, Any] | None) -> dict[str, Any]:
        """Return the parameters of a request for an answer of `most` tokens, in the form of a JSON schema where one is given.

        An empty schema asks for any JSON object.
        """
        found: dict[str, Any] = {self.limit: most}
        if self.temperature:
            found["temperature"] = 0.0
        if schema and self.form == "json_schema":
            found["response_format"] = {"type": "json_schema", "json_schema": {"name": "verdict", "strict": True, "schema": schema}}
        elif schema is not None and self.form != "none":
            found["response_format"] = {"type": "json_object"}
        return found

    def without(self, status: int, body: bytes) -> "Abilities | None":
        """Return what to send after a refusal, or None where it was not about a parameter.

        >>> Abilities().without(400, b"Unsupported parameter: 'max_completion_tokens'").limit
        'max_tokens'
        >>> Abilities().without(400, b"'temperature' does not support 0.0").temperature
        False
        >>> Abilities().without(400, b"The prompt is too long") is None
        True
        """
        if status not in {400, 422} or b"content_filter" in body or not _UNKNOWN.search(body):
            return None
        if b"temperature" in body and self.temperature:
            return replace(self, temperature=False)
        if b"max_completion_tokens" in body and self.limit == "max_completion_tokens" and b"Use 'max_completion_tokens'" not in body:
            return replace(self, limit="max_tokens")
        if b"max_tokens" in body and self.limit == "max_tokens":
            return replace(self, limit="max_completion_tokens")
        if _FORM.search(body) and self.form != "none":
            return replace(self, form=_LESS[self.form])
        return None

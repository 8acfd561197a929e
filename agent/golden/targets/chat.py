"""Targets that speak as chat completions do: Azure OpenAI, and everything that is compatible with OpenAI."""

from dataclasses import dataclass
from typing import Annotated, Any

from annotated_types import Ge, Gt, Le

from agent.golden.pair import Pair
from agent.golden.targets import CANARY, Opened, Reply
from agent.judges.abilities import Abilities
from agent.judges.chat import Asking, Chat
from agent.secret import Secret

Tokens = Annotated[int, Ge(1), Le(100_000)]
Seconds = Annotated[float, Gt(0), Le(600)]


@dataclass(frozen=True, slots=True)
class AzureOpenai:
    """A deployment of Azure OpenAI, asked through its chat completions."""

    url: str
    """`https://NAME.openai.azure.com`."""
    deployment: str
    """Its name."""
    key: Secret | None = None
    """API key, as `${env:NAME}`; left out: the agent's Azure identity."""
    api_version: str = "2024-10-21"
    """Version of the API."""
    system: str = ""
    """System message before each question; `{context}` in it is the pair's context."""
    max_tokens: Tokens = 1024
    """Tokens of an answer."""
    cold: bool = False
    """Ask with temperature 0 instead of the model's own."""
    timeout: Seconds = 60.0
    """Seconds for one answer."""

    @property
    def name(self) -> str:
        """The deployment."""
        return self.deployment

    @property
    def most(self) -> int:
        """Tokens an answer may take."""
        return self.max_tokens

    def check(self) -> None:
        """Raise ConfigError for an address that cannot be used."""
        self._chat.check()

    def open(self, transport: Any = None) -> Opened:
        """Return a connection."""
        return _opened(self._chat, transport, self.system, self.max_tokens, cold=self.cold)

    @property
    def _chat(self) -> Chat:
        return Chat(self.url, self.deployment, self.key, self.api_version, self.timeout)


@dataclass(frozen=True, slots=True)
class Openai:
    """A model behind an API compatible with OpenAI's: OpenAI, vLLM, LiteLLM, a gateway of your own."""

    url: str
    """What stands before `/chat/completions`, such as `http://127.0.0.1:8000/v1`."""
    model: str
    """Its name."""
    key: Secret | None = None
    """API key, as `${env:NAME}`; left out: none is sent."""
    system: str = ""
    """System message before each question; `{context}` in it is the pair's context."""
    max_tokens: Tokens = 1024
    """Tokens of an answer."""
    cold: bool = False
    """Ask with temperature 0 instead of the model's own."""
    timeout: Seconds = 60.0
    """Seconds for one answer."""

    @property
    def name(self) -> str:
        """The model."""
        return self.model

    @property
    def most(self) -> int:
        """Tokens an answer may take."""
        return self.max_tokens

    def check(self) -> None:
        """Raise ConfigError for an address that cannot be used."""
        self._chat.check()

    def open(self, transport: Any = None) -> Opened:
        """Return a connection."""
        return _opened(self._chat, transport, self.system, self.max_tokens, cold=self.cold)

    @property
    def _chat(self) -> Chat:
        return Chat(self.url, self.model, self.key, None, self.timeout)


def _opened(chat: Chat, transport: Any, system: str, most: int, *, cold: bool) -> Opened:
    asking = chat.open(transport)
    asking.opened.headers.update(CANARY)
    # Reasoning models take no temperature; the others are asked as the application asks them, with their own.
    asking.abilities = Abilities(temperature=cold)
    return _Opened(asking, system, most)


@dataclass(frozen=True, slots=True)
class _Opened:
    asking: Asking
    system: str
    most: int

    def ask(self, pair: Pair) -> Reply:
        """Put a question."""
        messages = [{"role": role, "content": text} for role, text in pair.conversation]
        if self.system:
            messages.insert(0, {"role": "system", "content": self.system.replace("{context}", pair.context)})
        answer = self.asking.ask(messages, self.most)
        return Reply(answer.text, answer.finish_reason, answer.model, answer.fingerprint, "", answer.read, answer.written)

    def close(self) -> None:
        """Let go of connections."""
        self.asking.close()

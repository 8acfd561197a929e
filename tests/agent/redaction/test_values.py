"""What may stay of a category: names of things do, what is personal or secret goes as a whole, however it is cut or surrounded."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.doctor.seeds import Seed
from agent.redaction.column_names import is_private
from agent.redaction.redactor import Redactor
from agent.redaction.values import _CODE, _HARMLESS, NAMES, Values

STAYS = (
    "gold",
    "EWR",
    "N14228",
    "C-1002345",
    "12345678-1234-1237-8000-00c04fc964ff",
    "2013-02-08",
    "01/03/2026 10:00",
    "1.2.3",
    "-0.75",
    "1234567890",
    "true",
    "Some college, no degree",
    "10-20",
)
GOES = {
    "anna@example.org": "<email>",
    "Anna Lind <anna@example.org>": "<email>",
    "+44 20 7946 0958": "<phone>",
    "card 4111111111111111": "<card>",
    "sk-3fQ8rT5tV0pXbW3nKd9Jm7Yz": "<secret>",
    "anna@example.org, 10.0.0.7": "<email+ip>",
    "she asked for it twice and they told her to come back in May": "<text>",
}


@pytest.mark.parametrize("value", STAYS)
def test_names_of_things_stay(value: str) -> None:
    """Plans, codes, dates and numbers are what a feature is about."""
    assert Values(10).masked(value) == value


@pytest.mark.parametrize(("value", "told"), GOES.items())
def test_what_is_personal_goes_as_a_whole(value: str, told: str) -> None:
    """Nothing is left of what stands around it; a sentence goes too."""
    assert Values(10).masked(value) == told


@given(st.text(max_size=20) | st.from_regex(r"[\w .:@/+-]{0,16}|[A-Za-z]{1,8}[-_ ]?[0-9]{1,9}", fullmatch=True))
def test_what_is_passed_over_holds_nothing(value: str) -> None:
    """No pattern finds anything in a value the short way out takes for harmless."""
    if _HARMLESS.match(value) or _CODE.match(value):
        redactor = Redactor()
        redactor.redact(value)
        assert redactor.take().keys() <= {"date"}


@given(st.integers(0, 500), st.integers(0, 60))
def test_a_cut_secret_does_not_stay(number: int, place: int) -> None:
    """A declared category of 64 characters, whose end was cut off somewhere in a secret, keeps no beginning of it."""
    seed = Seed.of(number)
    for secret in seed.secrets:
        name = ("professional services " * 4)[:place] + " " + secret
        kept = Values(10).masked(name[:64].ljust(64, "z")[:64], declared=True)
        assert kept is not None
        assert secret[:10] not in kept


def test_a_declared_category_may_be_long() -> None:
    """Many words are a name where somebody said so; it loses only its last, cut word."""
    long = "Professional, scientific, and technical services, and management of companies"
    assert Values(10).masked(long[:64], declared=True) == "Professional, scientific, and technical services, and"
    assert Values(10).masked(long[:64]) == "<text>"


def test_kinds_that_are_kept_stay() -> None:
    """`redact.keep` and `redact.patterns` hold for categories as they do for texts."""
    values = Values(10, ("email",), {"ticket": "CASE-[0-9]+"})
    assert [values.masked(one) for one in ("anna@example.org", "CASE-7")] == ["anna@example.org", "<ticket>"]


def test_what_cannot_be_looked_through_is_missing() -> None:
    """A pattern that fails takes the value with it."""
    values = Values(10)
    assert values.masked("anna@example.org") == "<email>"
    assert values._redactor is not None
    values._redactor.recognisers = (_Fails(),)
    assert values.masked("bert@example.org") is None


class _Fails:
    def spans(self, text: str) -> list[tuple[int, int, str]]:
        raise RuntimeError(text)


def test_names_of_models_stay() -> None:
    """Versions look like addresses, fingerprints like keys, deployments like telephones: none of them is one."""
    names = Values(4, only=NAMES)
    usual = (
        "gpt-4o-2024-08-06",
        "1.2.3.4",
        "fp_44709d6fcb",
        "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b",
        "prod-2024-1105-01",
        "stop,tool_call",
    )
    assert [names.masked(one) for one in usual] == list(usual)
    assert [names.masked(one) for one in ("anna@example.org", "she wants her money back")] == ["<email>", "<text>"]


@pytest.mark.parametrize(("name", "private"), [("monthly income", False), ("zip_10023", False), ("anna@example.org", True)])
def test_names_of_columns(name: str, private: bool) -> None:  # noqa: FBT001 - an expected value
    """A record that stands where the header should be is seen; an ordinary name is none."""
    assert is_private(name) is private


def test_a_value_is_looked_at_once() -> None:
    """A column costs what its distinct values cost; what was told of one stays told."""
    values = Values(10)
    assert values.masked("anna@example.org") == "<email>"
    assert values._redactor is not None
    values._redactor.recognisers = (_Fails(),)
    assert values.masked("anna@example.org") == "<email>"

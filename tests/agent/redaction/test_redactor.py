"""What is personal or secret does not come through; what is neither does."""

import json
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.redaction.kinds import NAMES
from agent.redaction.redactor import LONGEST, Redactor, kinds_of

SHARED = Path(__file__).parents[3] / "../shared/data"

TAKEN = {
    "write to Jürgen.Müller+x@mail.example.co.uk, please": "write to <email>, please",
    "see https://user:pw@example.org/a?b=c#d for more": "see <url> for more",
    "call +49 (0)30 1234567 now": "call <phone> now",
    "ring 020 7946 0958 x12 tonight": "ring <phone> tonight",
    "from 203.0.113.77 today": "from <ip> today",
    "from 2001:db8::8a2e:370:7334 today": "from <ip> today",
    "card 4111 1111 1111 1111 expires": "card <card> expires",
    "pay to DE89 3704 0044 0532 0130 00 now": "pay to <iban> now",
    "SSN 078-05-1120 given": "SSN <national_id> given",
    "DNI 12345678Z given": "DNI <national_id> given",
    "CF RSSMRA85T10A562S given": "CF <national_id> given",
    "NINO AB 12 34 56 C given": "NINO <national_id> given",
    "CPF 529.982.247-25 given": "CPF <national_id> given",
    "personnummer 811218-9876 given": "personnummer <national_id> given",
    "PESEL 44051401359 given": "PESEL <national_id> given",
    "Aadhaar 2341 2341 2346 given": "Aadhaar <national_id> given",
    "born 1984-12-31 there": "born <date> there",
    "born 31.12.1984 there": "born <date> there",
    "password: hunter2hunter": "password: <secret>",
    "Authorization: Bearer abcdefghijklmnop123": "Authorization: Bearer <secret>",
    "key sk-proj-abcdefghijklmnopqrstu left": "key <secret> left",
    "key AKIAIOSFODNN7EXAMPLE left": "key <secret> left",
    "AccountKey=Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq==;x": "AccountKey=<secret>;x",
    "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\n-----END RSA PRIVATE KEY-----": "<private_key>",
    "digest 9f86d081884c7d659a2feaa0c55ad015 seen": "digest <secret> seen",
    "token q8Zr5TtV0pXbW3nKd9Jm seen": "token <secret> seen",
}

LEFT = (
    "The model has 1,234,567 parameters and costs 3.14159265 a call.",
    "In 1995-2000 we sold 10 20 30 40 of them at 12:30:45.",
    "internationalization2024 and /usr/share/python3.11/site-packages are words",
    "ratio 16:9, std::vector<int>, a[1:2], 5 x 3 = 15, 100 - 50 - 30 = 20",
    "version 2.11.4 of the library, chapter 3.2.1, $1200-$300",
)


@pytest.mark.parametrize(("text", "expected"), TAKEN.items())
def test_it_is_taken_out(text: str, expected: str) -> None:
    """Each kind is replaced by its name, and nothing of it is left."""
    assert Redactor().redact(text) == expected


@pytest.mark.parametrize("text", LEFT)
def test_it_is_left_alone(text: str) -> None:
    """Numbers, words, code and sums are no one's data."""
    assert Redactor().redact(text) == text


@given(st.text(max_size=300))
def test_nothing_makes_it_fail(text: str) -> None:
    """Whatever signs there are, there is an answer, and looking twice finds nothing new."""
    once = Redactor().redact(text)
    assert once is not None
    assert Redactor().redact(once) == once


@pytest.mark.parametrize(
    "piece", ["1", "a", "a@", "%", ":", "1-", "1 ", "eyJ", "-----BEGIN PRIVATE KEY-----", "password=", "http://", "(", "+", "A1"]
)
def test_hostile_texts_take_no_longer_than_others(piece: str) -> None:
    """A quarter of a million signs made to send a pattern back and forth are read through."""
    assert Redactor().redact(piece * (LONGEST // len(piece))) is not None


def test_what_is_beyond_the_limit_is_cut_off() -> None:
    """What was not looked at is not passed on."""
    redactor = Redactor()
    redacted = redactor.redact("x " * LONGEST + "anna@example.org")
    assert redacted is not None
    assert len(redacted) == LONGEST
    assert redactor.take() == {"cut": 1}


class _Broken:
    def spans(self, text: str) -> list[tuple[int, int, str]]:
        raise RuntimeError(text)


class _Names:
    def spans(self, text: str) -> list[tuple[int, int, str]]:
        at = text.find("Anna")
        return [(at, at + 4, "person")] if at >= 0 else []


def test_a_recogniser_that_fails_takes_the_text_with_it() -> None:
    """Fail closed: no text rather than one that was not looked through; it is counted."""
    redactor = Redactor(recognisers=(_Broken(),))
    assert redactor.redact("anything") is None
    assert redactor.take() == {"failed": 1}


def test_a_recogniser_adds_what_patterns_cannot_find() -> None:
    """Its spans are replaced by its own kind, beside those of the patterns."""
    redactor = Redactor(recognisers=(_Names(),))
    assert redactor.redact("Anna, anna@example.org") == "<person>, <email>"


def test_kinds_are_left_out_and_added_by_name() -> None:
    """A user's own pattern comes first; a kind left out stays in the text."""
    redactor = Redactor(kinds=kinds_of(["date"], {"case": r"CASE-\d{4,8}"}))
    assert redactor.redact("CASE-20481 of 2024-02-03") == "<case> of 2024-02-03"


@pytest.mark.parametrize(
    ("without", "own", "said"),
    [
        (["dates"], {}, "unknown kind dates; known: "),
        ([], {"x": "["}, "is no regular expression"),
        ([], {"x": "a*"}, "would match everywhere"),
    ],
)
def test_a_wrong_setting_is_told(without: list[str], own: dict[str, str], said: str) -> None:
    """The name, the value and what would be right."""
    with pytest.raises(ValueError, match=said):
        kinds_of(without, own)


LEAST = {"email": 1.0, "url": 1.0, "ip": 1.0, "national_id": 1.0, "iban": 0.952, "card": 0.926, "phone": 0.946, "date": 0.403}
TYPES = {
    "EMAIL_ADDRESS": "email", "DOMAIN_NAME": "url", "IP_ADDRESS": "ip", "US_SSN": "national_id",
    "IBAN_CODE": "iban", "CREDIT_CARD": "card", "PHONE_NUMBER": "phone", "DATE_TIME": "date",
}  # fmt: skip


def test_recall_on_public_data_is_what_it_was_measured_to_be() -> None:
    """Of each type of presidio-research's sentences at least the share that patterns were measured to find is gone, under its name."""
    file = SHARED / "presidio_synth_v2.json"
    if not file.exists():
        pytest.skip("../shared/data is not there")
    there: Counter[str] = Counter()
    gone: Counter[str] = Counter()
    for sentence in json.loads(file.read_text(encoding="utf-8")):
        redacted = Redactor().redact(sentence["full_text"])
        assert redacted is not None
        for span in sentence["spans"]:
            kind = TYPES.get(span["entity_type"])
            if kind is not None:
                there[kind] += 1
                gone[kind] += span["entity_value"] not in redacted and f"<{kind}>" in redacted
    shares = {kind: gone[kind] / count for kind, count in there.items()}
    assert set(shares) == set(LEAST)
    assert all(shares[kind] >= least - 5e-4 for kind, least in LEAST.items()), shares


def test_every_kind_has_an_example() -> None:
    """The table above forgets no kind."""
    assert {name for name in NAMES if not any(f"<{name}>" in expected for expected in TAKEN.values())} == set()

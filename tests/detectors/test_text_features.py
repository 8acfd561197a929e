"""What is said of texts and vectors: languages, trigrams and groups, against plain definitions and public data."""

# ruff: noqa: RUF001 - sentences in many scripts are what this file tests

import csv
import json
from collections import Counter
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.features.centroids import GROUPS, LEAST, UNIT, Centroids, directions, fingerprints
from detectors.features.embedding import Directions
from detectors.features.grams import CELLS, Grams, count
from detectors.features.language import LANGUAGES, SCRIPTS, describe, scripts_of

DATA = Path(__file__).parents[2] / "../shared/data"

SENTENCES = {
    "ar": "أين بطاقتي الجديدة؟", "bg": "Къде е новата ми карта и кога ще я получа?", "bn": "আমার নতুন কার্ড কোথায়?",
    "cs": "Kde je moje nová karta a kdy ji dostanu?", "da-no": "Hvor er mit nye kort, og hvornår får jeg det?",
    "de": "Wo ist meine neue Karte und wann bekomme ich sie?", "el": "Πού είναι η νέα μου κάρτα;",
    "en": "Where is my new card and when will I get it?", "es": "¿Dónde está mi nueva tarjeta y cuándo la recibo?",
    "fi": "Missä minun uusi korttini on ja milloin saan sen?", "fr": "Où est ma nouvelle carte et quand vais-je la recevoir ?",
    "he": "איפה הכרטיס החדש שלי?", "hi": "मेरा नया कार्ड कहाँ है?", "hu": "Hol van az új kártyám, és mikor kapom meg?",
    "hy": "Որտե՞ղ է իմ նոր քարտը", "id": "Di mana kartu baru saya dan kapan saya akan menerimanya?",
    "it": "Dov'è la mia nuova carta e quando la ricevo?", "ja": "新しいカードはどこですか?", "ka": "სად არის ჩემი ახალი ბარათი?",
    "ko": "새 카드는 어디에 있나요?", "nl": "Waar is mijn nieuwe kaart en wanneer krijg ik hem?",
    "pl": "Gdzie jest moja nowa karta i kiedy ją dostanę?", "pt": "Onde está o meu novo cartão e quando o vou receber?",
    "ro": "Unde este noul meu card și când îl primesc?", "ru": "Где моя новая карта и когда я её получу?",
    "sv": "Var är mitt nya kort och när får jag det?", "ta": "எனது புதிய அட்டை எங்கே?", "te": "నా కొత్త కార్డు ఎక్కడ ఉంది?",
    "th": "บัตรใหม่ของฉันอยู่ที่ไหน", "tr": "Yeni kartım nerede ve ne zaman alacağım?", "uk": "Де моя нова картка і коли я її отримаю?",
    "vi": "Thẻ mới của tôi ở đâu và khi nào tôi nhận được?", "zh": "我的新卡在哪里?",
}  # fmt: skip
"""One question in every language that is told apart, written for this test."""


@pytest.mark.parametrize("language", [name for name in LANGUAGES if name != "unknown"])
def test_every_language_is_told(language: str) -> None:
    """A plain question is enough."""
    assert describe([SENTENCES[language]])[1] == [language]


@pytest.mark.parametrize(
    ("text", "script", "language"),
    [
        ("12:30 – 14:00 €", None, None),
        ("", None, None),
        ("XK-7731", "latin", "unknown"),
        ("x1 = lambda y: y + z_2", "latin", "unknown"),
        ("カードを送ってください。受取人は銀行です", "kana", "ja"),
        ("请问 iPhone 15 的价格是多少", "han", "zh"),
        ("\ud800\udfff", None, None),
        ("WHERE IS MY CARD", "latin", "en"),
        ("Ⓐ ⅷ 𝐚", None, None),
        ("ⴰⵣⵓⵍ", None, None),
        ("ሰላም", "other", "unknown"),
    ],
)
def test_what_cannot_be_told_is_not_guessed(text: str, script: str | None, language: str | None) -> None:
    """Numbers have no script; code and names no language; Japanese with many Chinese signs is Japanese."""
    assert describe([text]) == ([script], [language])


def test_english_of_public_sets_is_english() -> None:
    """Of 10,003 short questions to a bank and 7,473 school problems nearly all are English, and few are taken for another language."""
    if not DATA.is_dir():
        pytest.skip("../shared/data is not beside the project")
    bank = [row["text"] for row in csv.DictReader(StringIO((DATA / "banking77_train.csv").read_text("utf-8")))]
    school = [json.loads(line)["question"] for line in (DATA / "gsm8k_train.jsonl").read_text("utf-8").splitlines()]
    told = Counter(describe(bank)[1])

    assert told["en"] / len(bank) > 0.98
    assert 1 - (told["en"] + told["unknown"]) / len(bank) < 0.01
    assert describe(school)[1].count("en") / len(school) > 0.999


@given(st.lists(st.text(), max_size=8))
def test_a_text_is_told_alone_as_among_others(texts: list[str]) -> None:
    """Any Unicode at all: what is said of a text does not depend on those beside it."""
    together = scripts_of(texts).tolist()

    assert together == [int(scripts_of([text])[0]) for text in texts]
    assert all(-1 <= one < len(SCRIPTS) for one in together)


def texts(rows: int, seed: int = 2) -> list[str]:
    """Return sentences of a small language."""
    chance = np.random.default_rng(seed)
    words = ["".join(chance.choice(list("abcde"), chance.integers(2, 8))) for _ in range(300)]
    return [" ".join(chance.choice(words, 12, p=np.arange(300, 0, -1) / 45_150)) for _ in range(rows)]


def test_surprise_is_the_cross_entropy_of_trigrams() -> None:
    """Against a dictionary of trigrams: with some 200 of them hardly any two share a cell, so means agree to a few hundredths."""
    known, fresh = texts(600), texts(200, seed=3)
    usual: Counter[str] = Counter()
    for text in known:
        padded = f" {text} "
        usual.update(padded[at : at + 3] for at in range(len(padded) - 2))
    total = usual.total() + 0.5 * CELLS
    expected = []
    for text in fresh:
        padded = f" {text} "
        grams = [padded[at : at + 3] for at in range(len(padded) - 2)]
        expected.append(-np.mean([np.log2((usual[gram] + 0.5) / total) for gram in grams]))

    bits, _, _ = Grams.fit(count(known).texts(), np.random.default_rng(0)).measure(count(fresh))

    assert np.mean(bits) == pytest.approx(np.mean(expected), rel=0.12)
    assert np.corrcoef(bits, expected)[0, 1] > 0.9


def test_what_was_learnt_from_is_measured_without_itself() -> None:
    """A text's surprise is what a yardstick of all other texts would say; its distance is to the others of its group."""
    known = texts(300)
    counted = count(known)
    usual = Grams.fit(counted.texts(), np.random.default_rng(0))
    dense = np.zeros((len(known), CELLS))
    dense[np.repeat(np.arange(len(known)), np.diff(counted.starts)), counted.cells] = counted.numbers

    bits, distance, _ = usual.measure(counted)

    for row in (0, 7, 299):
        others = (dense.sum(axis=0) - dense[row] + 0.5) / (dense.sum() - dense[row].sum() + 0.5 * CELLS)
        assert bits[row] == pytest.approx(-(dense[row] @ np.log2(others)) / dense[row].sum(), abs=1e-3)
        values = np.rint(np.sqrt(dense[row]) * usual.weights * 1024)
        unit = values / np.linalg.norm(values) * UNIT
        home = usual.centroids.members(fingerprints(np.rint(unit)[None, :]))[1]
        sums = usual.centroids.sums.copy()
        sums[home] -= np.rint(unit)
        cosines = sums @ unit / np.linalg.norm(sums, axis=1) / UNIT
        assert distance[row] == pytest.approx(1 - cosines.max(), abs=3e-4)


def test_learnt_and_fresh_texts_look_alike() -> None:
    """A reference that starts with what was learnt from has hardly drifted: a fifth of a standard deviation here, a tenth on Banking77."""
    all_of_them = texts(3000)
    usual = Grams.fit(count(all_of_them[:1000]).texts(), np.random.default_rng(0))
    learnt, fresh = usual.measure(count(all_of_them[:1000])), usual.measure(count(all_of_them[1000:]))

    for measure in (0, 1):
        assert abs(learnt[measure].mean() - fresh[measure].mean()) < 0.2 * fresh[measure].std()


def test_groups_are_found_and_none_is_one_persons() -> None:
    """Directions around a few axes end up in their axis's group; whoever stands alone is put to others."""
    chance = np.random.default_rng(6)
    axes = np.linalg.qr(chance.normal(size=(20, 20)))[0][:6]
    rows = np.repeat(np.arange(6), 40)
    vectors = np.concatenate([axes[rows] + chance.normal(size=(240, 20)) * 0.05, chance.normal(size=(3, 20))])
    learnt = Directions.fit(list(vectors), np.random.default_rng(0))

    distance, group = learnt.measure(vectors)

    assert all(len(set(group[:240][rows == axis].tolist()).intersection(group[:240][rows != axis].tolist())) == 0 for axis in range(6))
    assert np.bincount(learnt.centroids.homes).min() >= LEAST
    assert distance[:240].max() < 0.1 < distance[240:].min()


@given(st.integers(1, 40), st.integers(1, 6), st.integers(0, 2**31))
def test_every_sample_leads_to_groups(rows: int, dimension: int, seed: int) -> None:
    """Few rows, doubled rows, rows of zeros: there are groups, and distances lie between 0 and 2."""
    chance = np.random.default_rng(seed)
    vectors = chance.integers(-1, 2, (rows, dimension)).astype(np.float64)
    learnt = Directions.fit(list(vectors), np.random.default_rng(0))

    distance, group = learnt.measure(vectors)

    usable = vectors.any(axis=1)
    assert 1 <= len(learnt.centroids.sums) <= GROUPS
    assert np.array_equal(np.isfinite(distance), usable)
    assert ((distance[usable] >= 0) & (distance[usable] <= 2)).all()
    assert np.array_equal(group >= 0, usable)


def test_a_yardstick_comes_back_as_it_was() -> None:
    """Saved and read again it measures alike, to the last bit."""
    known = count(texts(200))
    one = Grams.fit(known.texts(), np.random.default_rng(0))

    for mine, again in zip(one.measure(known), Grams.restore(one.plain()).measure(known), strict=True):
        assert np.array_equal(mine, again)


# Below 1e-290 a thousandth of a millionth of a number has no digits left to tell a direction with.
PLACES = st.floats(-1e100, 1e100).map(lambda place: place if abs(place) > 1e-290 else 0.0)


@given(st.lists(st.lists(PLACES, min_size=3, max_size=3), min_size=1, max_size=5), st.sampled_from([1e-9, 0.5, 2.0, 1e9]))
def test_a_direction_has_no_length(vectors: list[list[float]], factor: float) -> None:
    """A vector and the same one longer point the same way, to a step of the fixed point; every one has the unit's length."""
    made, usable = directions(np.array(vectors))
    longer, _ = directions(np.array(vectors) * factor)

    assert np.abs(made - longer)[usable].max(initial=0.0) <= 1
    assert np.linalg.norm(made[usable], axis=1) == pytest.approx(UNIT, abs=1)


def test_nothing_to_learn_from_is_far_from_everything() -> None:
    """Centroids of texts without a trigram: every text is at distance 2, none is learnt."""
    usual = Grams.fit(count([" "] * 10).texts(), np.random.default_rng(0))

    _, distance, group = usual.measure(count(["some text", ""]))

    assert distance.tolist()[:1] == [2.0] or np.isnan(distance[0])
    assert np.isnan(distance[1])
    assert group[1] == -1
    assert isinstance(usual.centroids, Centroids)

"""Explicit language: how many words of a text are vulgar, sexual, hateful or of violence. Not whether it is unsafe."""

import re
from collections import Counter

from detectors.quality.evaluators.words import words

_STEMS = (
    # Vulgar and sexual.
    "fuck", "motherfuck", "shit", "bullshit", "cunt", "pussy", "pussies", "cock", "cocks", "dick", "dicks", "penis", "vagina", "clit", "tit", "tits",
    "boob", "breast", "nipple", "ass", "asses", "asshole", "butt", "anal", "anus", "cum", "cumming", "orgasm", "erection", "masturbat",
    "blowjob", "handjob", "porn", "nude", "naked", "horny", "slut", "whore", "hooker", "prostitut", "bitch", "bastard", "wank", "dildo", "erotic",
    "sex", "sexual", "sexy", "fetish", "bdsm", "incest", "rape", "raping", "rapist", "molest", "pedophil", "paedophil", "underage", "lolita", "hentai",
    "thrust", "moan", "moaning", "moaned", "groin", "crotch", "genital", "ejaculat", "sperm", "lust", "seduc", "undress", "lingerie", "virgin",
    # Hateful.
    "nigger", "nigga", "faggot", "fag", "fags", "tranny", "trannies", "retard", "kike", "spic", "chink", "gook", "paki", "wetback", "raghead",
    "dyke", "subhuman", "vermin", "nazi", "hitler", "supremac", "genocide", "inferior", "scum", "filthy", "disgusting", "parasite", "islamist",
    "jew", "jews", "jewish", "muslim", "blacks", "gays", "homosexual", "immigrant", "terrorist", "jihad", "infidel", "racist", "hate", "exterminat",
    # Of violence, to others and to oneself.
    "kill", "murder", "slaughter", "massacre", "stab", "shoot", "behead", "decapitat", "strangl", "tortur", "mutilat", "dismember", "lynch", "bomb",
    "blood", "bloody", "corpse", "slit", "suicid", "selfharm", "overdos", "hang", "cutting", "anorexi", "bulimi", "purge", "die", "dead", "death",
    "attack", "weapon", "gun", "knife", "burn", "beat", "choke", "scream", "gore", "brutal", "execut", "threat",
)  # fmt: skip
_WORD = re.compile(
    r"(?:" + "|".join(sorted(_STEMS, key=len, reverse=True)) + r")(?:s|es|ed|er|ers|ing|in|e|y|al|ism|ic|ion|ia|iac|ally|able)?\Z"
)


def explicit_share(text: str) -> float | None:
    """Return the share of words that are explicit, from 0 to 1; None for a text without words."""
    found = words(text)
    return sum(times for word, times in Counter(found).items() if _WORD.match(word)) / len(found) if found else None

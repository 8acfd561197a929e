"""The columns that are computed from prompts and answers before their text is dropped. All of them are trends, no verdicts."""

REFUSAL, REPETITION, TRUNCATED = "refusal", "repetition", "truncated"
EXPLICIT_INPUT, EXPLICIT_OUTPUT = "explicit_input", "explicit_output"
GROUNDING, NUMBERS_FOUND, CITATIONS_FOUND = "grounding", "numbers_found", "citations_found"
RETRIEVED_GROUNDING = "retrieved_grounding"
ANSWER_SIMILARITY, TEMPLATE_SIMILARITY, JSON_VALID = "answer_similarity", "template_similarity", "json_valid"
INPUT_LANGUAGE, OUTPUT_LANGUAGE = "input_language", "output_language"
LANGUAGE_FLIP = "language_flip"
"""Said of a call once both languages are known."""

SHARES = {
    REFUSAL: "Answers that refuse, by their phrases.",
    REPETITION: "Word triples of an answer that were there before.",
    TRUNCATED: "Answers cut off: the model says so, or the text ends in the middle.",
    EXPLICIT_INPUT: "Words of a prompt that are explicit.",
    EXPLICIT_OUTPUT: "Words of an answer that are explicit.",
    GROUNDING: "Word triples of an answer that its prompt has.",
    RETRIEVED_GROUNDING: "Word triples of an answer that the documents have that were found for it.",
    NUMBERS_FOUND: "Numbers of an answer that its prompt has.",
    CITATIONS_FOUND: "Citations of an answer that name a document there is.",
    ANSWER_SIMILARITY: "Likeness of answer and question, by character trigrams.",
    TEMPLATE_SIMILARITY: "Likeness of a prompt to the nearest known templates.",
    JSON_VALID: "Answers in braces that are valid JSON.",
}
"""float64 columns, each from 0 to 1, NaN where there is nothing to say; and what their mean is."""

LANGUAGES = (INPUT_LANGUAGE, OUTPUT_LANGUAGE)
"""Category columns."""

IMPORTANCE = "importance"
"""float64: of a call that was admitted to the sample, how much more likely it was to be; NaN of all others."""
PROBABILITY = "sample_probability"
"""float64, in the sample of a closed window: how likely the call was to be in it."""

YES_OR_NO = frozenset({REFUSAL, TRUNCATED, JSON_VALID, LANGUAGE_FLIP})
"""Those that are 0 or 1 for each call: their mean is a rate."""

"""What metrics and findings call what labels tell: for those who read them without knowing the detector."""

ERRORS = "errors"
"""`reference` of `driftline.reference.status` for what is known of the usual error."""
LABEL = "label"
"""Kind, and name as a feature, of the mix of the labels."""

"""The products whose own rules can be told beside ours."""

from typing import Literal, TypeAlias

Product: TypeAlias = Literal["azureml", "evidently", "nannyml"]

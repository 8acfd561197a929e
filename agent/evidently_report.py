"""Evidently's own HTML report of two tables. Heavy (4 s and 300 MB to import): only the worker process calls this."""

from pathlib import Path

from agent.errors import InputError


def write(reference: Path, current: Path, out: Path) -> None:
    """Write the report of two Parquet files to an HTML file. Raises InputError for tables that have nothing in common.

    Columns one side lacks, and columns without any value, are left out: one of them would end the whole report.
    """
    # Imported here: whatever looks at this module must not pay for Evidently.
    import pandas as pd  # type: ignore[import-untyped]  # noqa: PLC0415  # no stubs among the locked packages

    before, after = pd.read_parquet(reference), pd.read_parquet(current)
    shared = [name for name in before.columns if name in after.columns and before[name].notna().any() and after[name].notna().any()]
    if not shared or before.empty or after.empty:
        raise InputError(f"{reference.name} and {current.name} have no column with values in common")
    # The better part of the seconds this takes; what is wrong with the tables is said before.
    from evidently import Report  # type: ignore[import-untyped]  # noqa: PLC0415  # untyped
    from evidently.presets import DataDriftPreset, DataSummaryPreset  # type: ignore[import-untyped]  # noqa: PLC0415  # untyped

    report = Report([DataSummaryPreset(), DataDriftPreset()]).run(after[shared], before[shared])
    # Written beside and moved: whoever looks finds a whole report or none.
    part = out.with_name(out.name + ".part")
    report.save_html(str(part))
    part.replace(out)

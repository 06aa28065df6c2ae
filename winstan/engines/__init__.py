"""Engines: data that stay where they are, grouped there; only distinct rows come back.

`opening` recognises what is read by an engine, `repeats` judges by the first rows whether they can
be grouped, `grouping` groups them in two `passes` (`duckdb_sql` has them in DuckDB's own words),
`counting` names rows that no model takes, and `frames` makes the `Frame` of it. `expressions`
writes a formula's left side for the engine. `parting` reads some of the rows as they are.
"""

from winstan.engines.counting import Support
from winstan.engines.frames import grouped_frame
from winstan.engines.opening import Source, enter, open_data, scan
from winstan.engines.parting import distinct_rows, rows_where
from winstan.engines.sampling import sample_rows

__all__ = [
    "Source",
    "Support",
    "distinct_rows",
    "enter",
    "grouped_frame",
    "open_data",
    "rows_where",
    "sample_rows",
    "scan",
]

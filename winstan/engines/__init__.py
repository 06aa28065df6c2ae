"""Engines: data that stay where they are, grouped there; only distinct rows come back.

`opening` recognises what is read by an engine, `counting` counts what must be known of the rows
before they are grouped, `grouping` groups them (`duckdb_sql` in DuckDB's own words), and `frames`
makes the `Frame` of it. `expressions` writes a formula's left side for the engine.
"""

from winstan.engines.counting import Support
from winstan.engines.frames import grouped_frame
from winstan.engines.opening import Source, enter, open_data
from winstan.engines.sampling import sample_rows

__all__ = ["Source", "Support", "enter", "grouped_frame", "open_data", "sample_rows"]

"""Which tables a statement reads from one end to the other, by SQLite's own plan."""

from __future__ import annotations

import re
from typing import Final

import apsw
import apsw.ext

_SCAN: Final = re.compile(r"SCAN (?!CONSTANT ROW|SUBQUERY|\()(?:TABLE )?(\S+)(?! .*(?:USING|VIRTUAL TABLE))")


def scanned_tables(connection: apsw.Connection, sql: str) -> tuple[str, ...]:
    """Return the tables that a statement reads whole, without an index.

    Args:
        connection: Where the tables are.
        sql: One statement. One that SQLite does not explain has none.
    """
    cursor = connection.cursor()
    try:
        bindings = (None,) * apsw.ext.query_info(connection, sql).bindings_count
        plan = cursor.execute(f"EXPLAIN QUERY PLAN {sql}", bindings, can_cache=False).fetchall()
    except apsw.Error:
        return ()
    finally:
        cursor.close()
    found = (_SCAN.match(str(row[3])) for row in plan)
    return tuple(dict.fromkeys(match[1] for match in found if match))

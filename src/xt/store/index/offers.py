"""What the index knows by name, for completing what is typed: short answers, the likeliest first."""

from __future__ import annotations

from xt.model.event import Observed
from xt.model.summary import Summary
from xt.store import events
from xt.store.index import COLUMNS, Index

#: Rows looked at for what every run has many of.
RECENT = 500


class Offers(Index):
    """An index that is asked for names."""

    def newest_like(self, prefix: str, limit: int) -> list[Summary]:
        """The newest runs whose ids begin so; with a beginning, those made by `xt verify` too."""
        query = (
            "SELECT n FROM runs WHERE id >= ? AND id < ? AND gone = 0 AND (trial = 0 OR ? != '')"
            " ORDER BY started DESC LIMIT ?"
        )
        # `{` follows `z`.
        found = self._db.execute(query, (prefix, prefix + "{", prefix, limit))
        return self.rows([row[0] for row in found])

    def names(self, prefix: str, limit: int) -> list[str]:
        """Names of runs that begin so."""
        return self._texts(
            "SELECT DISTINCT name FROM runs WHERE name IS NOT NULL AND gone = 0", "name", prefix, limit
        )

    def tags(self, prefix: str, limit: int) -> list[str]:
        """Tags that begin so."""
        return self._texts("SELECT DISTINCT tag FROM tags WHERE 1", "tag", prefix, limit)

    def column_values(self, column: str, prefix: str, limit: int) -> list[str]:
        """What a column of runs has, as text."""
        if column not in COLUMNS:
            raise KeyError(column)
        query = f"SELECT DISTINCT {column} FROM runs WHERE {column} IS NOT NULL AND gone = 0"
        return self._texts(query, column, prefix, limit)

    def values(self, kind: str, name: str, prefix: str, limit: int) -> list[str]:
        """Known values of a param or fact: texts, then numbers as a query takes them."""
        where = "k = (SELECT k FROM keys WHERE kind = ? AND name = ?)"
        texts = self._texts(
            f"SELECT DISTINCT value FROM texts WHERE {where}", "value", prefix, limit, kind, name
        )
        query = f"SELECT DISTINCT value FROM numbers WHERE {where} ORDER BY value LIMIT ?"
        numbers = [f"{row[0]:.15g}" for row in self._db.execute(query, (kind, name, RECENT))]
        return (texts + [number for number in numbers if number.startswith(prefix)])[:limit]

    def environments(self) -> list[str]:
        """Where anything was ever deployed or observed."""
        rows = self._db.execute("SELECT DISTINCT place FROM events WHERE place IS NOT NULL ORDER BY place")
        return [row[0] for row in rows]

    def observed(self) -> list[str]:
        """Names of what was measured in production, anywhere."""
        suffix = events.KINDS[Observed]
        rows = self._db.execute("SELECT data FROM events WHERE kind = ?", (suffix,))
        said = [events.decode(row[0], suffix) for row in rows]
        return sorted({point.name for one in said if isinstance(one, Observed) for point in one.points})

    def paths(self, *, made: bool, prefix: str, limit: int) -> list[str]:
        """Inputs or outputs of the newest runs."""
        recent = "SELECT n FROM runs WHERE gone = 0 ORDER BY started DESC LIMIT ?"
        query = f"SELECT DISTINCT path FROM files WHERE made = ? AND n IN ({recent})"
        return self._texts(query, "path", prefix, limit, int(made), RECENT)

    def _texts(self, query: str, column: str, prefix: str, limit: int, *bound: object) -> list[str]:
        query += f" AND substr({column}, 1, ?) = ? ORDER BY {column} LIMIT ?"
        return [str(row[0]) for row in self._db.execute(query, (*bound, len(prefix), prefix, limit))]

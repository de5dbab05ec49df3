"""Questions in a notebook: a list of them, which is a table on the map as well."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from special.answers.questions import Question
from special.errors import SettingsError
from special.scene.source import Georeference

if TYPE_CHECKING:
    from geopandas import GeoDataFrame

POINTS, AREAS = "points", "areas"


class Questions(list[Question]):
    """Questions about a scene, the one whose answer is worth most first.

    Any library that knows ``__geo_interface__`` takes them as features: points in the scene's coordinates.
    """

    def __init__(self, questions: Iterable[Question], georeference: Georeference | None, scene: str) -> None:
        """Keep the questions, where the scene lies, and the hash of its files."""
        super().__init__(questions)
        self._georeference, self._scene = georeference, scene

    def to_geodataframe(self, by: str = POINTS) -> GeoDataFrame:
        """Return a ``geopandas.GeoDataFrame`` with a row a question, in the scene's coordinate system.

        Fill in its column ``class``, save it (``to_file("answers.gpkg")``), and give that to ``special.label`` as
        ``labels``.

        Args:
            by: ``points``, or ``areas``: the pixels that look like the one in question, as polygons.

        Raises:
            SettingsError: geopandas is not installed, or ``by`` is something else.
        """
        if by not in (POINTS, AREAS):
            raise SettingsError(f"questions cannot be drawn by {by!r}: choose {POINTS} or {AREAS}")
        try:
            from geopandas import GeoDataFrame
        except ImportError:
            raise SettingsError("a GeoDataFrame needs geopandas: pip install geopandas") from None
        features = self._features(areas=by == AREAS)
        crs = self._georeference.crs_wkt if self._georeference else None
        columns = list(features[0]["properties"]) if features else []
        return GeoDataFrame.from_features(features, crs=crs, columns=[*columns, "geometry"])

    @property
    def __geo_interface__(self) -> dict[str, Any]:
        """The questions as a collection of GeoJSON's features."""
        return {"type": "FeatureCollection", "features": self._features(areas=False)}

    def _repr_html_(self) -> str:
        """What a notebook shows: the table, where geopandas is there to make it."""
        try:
            return str(self.to_geodataframe().drop(columns="geometry").to_html(index=False))
        except SettingsError:
            from html import escape

            return f"<pre>{escape(repr(list(self)))}</pre>"

    def _features(self, *, areas: bool) -> list[dict[str, Any]]:
        import shapely

        from special.answers.identity import identity
        from special.answers.sheet.placement import Placement
        from special.answers.sheet.rows import Row

        placement, features = Placement.of(self._georeference), []
        for question in self:
            row = Row.of(question, placement, identity(self._scene))
            shape = placement.outline(question.area) if areas else shapely.Point(row.x, row.y)
            told = {name: getattr(row, name) for name in ("guess", "confidence", "runners_up", "scene")}
            properties = {"id": row.id, "row": row.row, "col": row.col, "class": None, **told}
            features.append({"type": "Feature", "geometry": shape.__geo_interface__, "properties": properties})
        return features

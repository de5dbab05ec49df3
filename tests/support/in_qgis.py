"""Opens a raster in QGIS, without a window, and prints as JSON what QGIS makes of it. Run by a Python that has QGIS.

QT_QPA_PLATFORM=offscreen /usr/bin/python3 in_qgis.py map.tif
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

_KEPT: list[Any] = []


def look(path: str) -> dict[str, Any]:
    """Return how the layer is drawn, and what GDAL, by QGIS's own copy, finds in its attribute table."""
    from osgeo import gdal
    from qgis.core import QgsApplication, QgsRasterLayer

    application = QgsApplication([], False)
    application.initQgis()
    _KEPT.append(application)  # until the end: what it has made must not outlive it
    layer = QgsRasterLayer(path, "map")
    if not layer.isValid():
        return {"valid": False}
    renderer = layer.renderer()
    found: dict[str, Any] = {"valid": True, "renderer": renderer.type(), "crs": layer.crs().authid()}
    dataset = gdal.Open(path)  # a band does not keep it open
    band = dataset.GetRasterBand(1)
    found["overviews"] = band.GetOverviewCount()
    if renderer.type() == "paletted":
        found["classes"] = [[one.value, one.label, one.color.name()] for one in renderer.classes()]
    table = band.GetDefaultRAT()
    if table is not None:
        found["table"] = {
            table.GetNameOfCol(column): [table.GetValueAsString(row, column) for row in range(table.GetRowCount())]
            for column in range(table.GetColumnCount())
        }
    picture = layer.previewAsImage(_size(layer))
    found["drawn"] = sorted(
        {picture.pixelColor(x, y).name() for x in range(picture.width()) for y in range(picture.height())}
    )
    return found


def _size(layer: Any) -> Any:
    from qgis.PyQt.QtCore import QSize

    return QSize(layer.width(), layer.height())


if __name__ == "__main__":
    print(json.dumps(look(sys.argv[1])), flush=True)
    os._exit(0)  # without the destructors of Qt, whose order Python does not keep

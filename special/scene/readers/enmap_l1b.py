"""EnMAP L1B: a GeoTIFF for each detector, joined as one cube.

The two detectors look 20 lines apart: what the SWIR sees is taken from where the product's RPCs say that the VNIR's
pixel lies in it, to the nearest pixel. Quality layers are in the geometry of the VNIR.
"""

from __future__ import annotations

from typing import Any

from special.errors import SceneError
from special.scene.readers.detectors import join
from special.scene.source import Source

_RPC = "product/navigation/RPC/bandID"
_ONE_BY_ONE = ("HEIGHT_OFF", "HEIGHT_SCALE", "LAT_OFF", "LAT_SCALE", "LONG_OFF", "LONG_SCALE")
_LISTS = {"line_num": "ROW_NUM", "line_den": "ROW_DEN", "samp_num": "COL_NUM", "samp_den": "COL_DEN"}


def joined(vnir: Source, swir: Source, root: Any, fill: float, name: str) -> Source:
    """Join the cubes of the two detectors, as ``detectors.join`` does, by the RPCs in the product's metadata.

    Raises:
        SceneError: they differ in size, or the metadata describe an RPC by something that is no number.
    """
    entries = root.findall(_RPC)
    second = int(root.findtext("specific/numberOfVNIRBands") or vnir.shape[2])
    rpcs = (_rpc(entries[0], name), _rpc(entries[second], name)) if second < len(entries) else None
    return join(vnir, swir, rpcs, fill, name)


def _rpc(entry: Any, name: str) -> Any:
    from rasterio.rpc import RPC

    def number(field: str) -> float:
        return float(entry.findtext(field) or "")

    try:
        lists = {
            f"{ours}_coeff": [number(f"{theirs}_{index:02d}") for index in range(1, 21)]
            for ours, theirs in _LISTS.items()
        }
        return RPC(
            **{field.lower(): number(field) for field in _ONE_BY_ONE},
            line_off=number("ROW_OFF"),
            line_scale=number("ROW_SCALE"),
            samp_off=number("COL_OFF"),
            samp_scale=number("COL_SCALE"),
            **lists,
        )
    except ValueError:
        raise SceneError(f"{name} describes an RPC by something that is no number: fetch it again") from None

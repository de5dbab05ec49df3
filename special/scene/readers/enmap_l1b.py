"""EnMAP L1B: a GeoTIFF for each detector, joined as one cube.

The two detectors look 20 lines apart: what the SWIR sees is taken from where the product's RPCs say that the VNIR's
pixel lies in it, to the nearest pixel. Quality layers are in the geometry of the VNIR.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from special.errors import SceneError
from special.scene.readers.detectors import Shift, ShiftedBlockReader, Unseen, ground_by_rpc, shift_between
from special.scene.readers.joined import JoinedBlockReader
from special.scene.source import QualityMask, Source

_RPC = "product/navigation/RPC/bandID"
_ONE_BY_ONE = ("HEIGHT_OFF", "HEIGHT_SCALE", "LAT_OFF", "LAT_SCALE", "LONG_OFF", "LONG_SCALE")
_LISTS = {"line_num": "ROW_NUM", "line_den": "ROW_DEN", "samp_num": "COL_NUM", "samp_den": "COL_DEN"}


def joined(vnir: Source, swir: Source, root: Any, fill: float, name: str) -> Source:
    """Join the cubes of the two detectors.

    Args:
        vnir, swir: of the same rows and columns.
        root: the product's metadata.
        fill: what stands where a detector has nothing.
        name: what messages call the product.

    Returns:
        The cube on the grid of the VNIR, its bands after one another, and where it lies.

    Raises:
        SceneError: they differ in size, or the metadata describe an RPC by something that is no number.
    """
    rows, cols, first = vnir.shape
    if swir.shape[:2] != (rows, cols) or swir.dtype != vnir.dtype:
        raise SceneError(f"the two detectors of {name} differ in size or type: they are not of one scene")
    shape = (rows, cols)
    entries = root.findall(_RPC)
    second = int(root.findtext("specific/numberOfVNIRBands") or first)
    shift, ground = Shift(0, 0, 0.0), None
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    if second < len(entries):
        first_rpc, second_rpc = (_rpc(entries[index], name) for index in (0, second))
        shift = shift_between(first_rpc, second_rpc, shape)
        ground, said = ground_by_rpc(first_rpc, shape)
        how = f"{shift.rows} rows and {shift.cols} columns, which is right within {shift.left:.1f} pixels"
        notes = (said, f"what the SWIR sees was moved onto the VNIR by {how}")
    else:
        warnings = (
            "its metadata have no RPCs, so the two detectors, which look some 20 lines apart, were not laid on one "
            "another, and there is no place on the map",
        )
    read = ShiftedBlockReader(swir.read_block, shape, shift, fill)
    unseen = (QualityMask("nodata", "seen by one detector alone", Unseen(shape, shift), True),)
    return replace(
        vnir,
        shape=(rows, cols, first + swir.shape[2]),
        read_block=JoinedBlockReader(((vnir.read_block, first), (read, swir.shape[2]))),
        georeference=None,
        ground=ground,
        masks=unseen if shift.rows or shift.cols else (),
        notes=notes,
        warnings=warnings,
    )


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

"""Small products that are several files: DESIS, Hyperion, what SNAP writes, Zarr. Their reflectance is known."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from raster_products import write_tif

DESIS_NAME = "DESIS-HSI-{level}-DT0707652640_011-20220404T193259-V0220-"


def write_desis(folder: Path, cube: np.ndarray, nm: np.ndarray, level: str = "L2A") -> Path:
    """DESIS: int16, reflectance x 10000, or radiance by gain and offset of each band; the first pixel is no data.

    The masks: cloud over land at (1, 1), cloud over water at (2, 2), shadow at (3, 3).
    """
    folder.mkdir(parents=True, exist_ok=True)
    start = DESIS_NAME.format(level=level)
    bands = len(nm)
    gains = np.full(bands, 1e-4) if level == "L2A" else np.linspace(1e-4, 2e-4, bands)
    offsets = np.zeros(bands) if level == "L2A" else np.linspace(0.01, 0.02, bands)
    numbers = np.round((cube - offsets) / gains).astype("i2")
    numbers[0, 0] = -32768
    write_tif(folder / f"{start}SPECTRAL_IMAGE.tif", numbers, nodata=-32768)
    masks = np.zeros((*cube.shape[:2], 10), dtype="u1")
    masks[1, 1, 5] = masks[2, 2, 6] = masks[3, 3, 0] = 1
    write_tif(folder / f"{start}QL_QUALITY-2.tif", masks)
    described = "".join(
        f"<band><bandNumber>{number}</bandNumber><wavelengthCenterOfBand>{one}</wavelengthCenterOfBand>"
        f"<wavelengthWidthOfBand>3.5</wavelengthWidthOfBand><gainOfBand>{float(gain)!r}</gainOfBand>"
        f"<offsetOfBand>{float(offset)!r}</offsetOfBand></band>"
        for number, (one, gain, offset) in enumerate(zip(nm, gains, offsets, strict=True), 1)
    )
    metadata = folder / f"{start}METADATA.xml"
    metadata.write_text(
        "<hsi_doc><base><temporalCoverage><startTime>2022-04-04T19:32:59.5Z</startTime></temporalCoverage></base>"
        f"<specific><mission>DESIS</mission><bandCharacterisation>{described}</bandCharacterisation></specific></hsi_doc>"
    )
    return metadata


def write_hyperion(folder: Path, radiance: np.ndarray, numbers: list[int]) -> Path:
    """Hyperion L1T: a TIF for each of the bands ``numbers`` of 242, and the MTL file; the first pixel is fill."""
    folder.mkdir(parents=True, exist_ok=True)
    start = "EO1H0010022013284110KF_"
    for layer, number in zip(np.moveaxis(radiance, 2, 0), numbers, strict=True):
        values = np.round(layer * (40 if number <= 70 else 80)).astype("i2")
        values[0, 0] = 0
        write_tif(folder / f"{start}B{number:03d}_L1T.TIF", values[:, :, None])
    metadata = folder / f"{start}MTL_L1T.TXT"
    metadata.write_text(
        "GROUP = L1_METADATA_FILE\n  GROUP = PRODUCT_METADATA\n    ACQUISITION_DATE = 2013-10-11\n  END_GROUP\n"
        "  GROUP = RADIANCE_SCALING\n    SCALING_FACTOR_VNIR = 40.000000\n    SCALING_FACTOR_SWIR = 80.000000\n"
        "  END_GROUP = RADIANCE_SCALING\nEND_GROUP = L1_METADATA_FILE\nEND\n"
    )
    return metadata


def write_hyperion_l1r(folder: Path, radiance: np.ndarray, nm: np.ndarray | None = None) -> Path:
    """Hyperion L1R of ``radiance`` (rows, cols, 242), HDF4; with ``nm`` (242,) the .AUX file, for each sample +-0.1."""
    from pyhdf.SD import SD, SDC

    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "EO1H0010022013284110KF.L1R"
    values = np.round(radiance * np.where(np.arange(242) < 70, 40, 80)).astype("i2").transpose(0, 2, 1)
    values[0, :, 0] = 0
    arrays = [(path, path.name, SDC.INT16, values)]
    if nm is not None:
        smile = np.linspace(-0.1, 0.1, radiance.shape[1], dtype="f4")
        beside = path.with_suffix(".AUX")
        arrays.append((beside, "Spectral Center Wavelengths", SDC.FLOAT32, (nm[:, None] + smile).astype("f4")))
        arrays.append((beside, "Spectral Bandwidths", SDC.FLOAT32, np.full((242, len(smile)), 11.0, dtype="f4")))
        arrays.append((beside, "Flag Mask", SDC.UINT8, np.zeros_like(values, dtype="u1")))
    for file_path, name, kind, array in arrays:
        file = SD(str(file_path), SDC.WRITE | SDC.CREATE)
        written = file.create(name, kind, array.shape)
        written[:] = array
        written.endaccess()
        file.end()
    return path


def write_ahsi(
    folder: Path,
    radiance: np.ndarray,
    nm: np.ndarray,
    vnir: int,
    *,
    down: int = -1,
    right: int = 1,
    separator: str = "\t",
    rpcs: bool = True,
    satellite: str = "GF5",
) -> Path:
    """GF-5 AHSI: uint16, a TIF for each detector as the VNIR sees the ground, the SWIR further down and to the right.

    The first ``vnir`` of the wavelengths ``nm`` are the VNIR's; the first pixel is fill. ZY-1 puts the detector's name
    at another place.
    """
    from rasterio.rpc import RPC

    folder.mkdir(parents=True, exist_ok=True)
    start = f"{satellite}_AHSI_E110.53_N32.30_20191229_008729_L10000069228"
    gains, offsets = np.linspace(0.01, 0.02, len(nm)), np.linspace(-0.3, 0.3, len(nm))
    numbers = np.round((radiance - offsets) / gains).astype("u2")
    numbers[0, 0] = 0
    terms, shape = np.eye(20).tolist(), radiance.shape[:2]
    for detector, part, by in (("VN", slice(0, vnir), (0, 0)), ("SW", slice(vnir, None), (down, right))):
        shifted = np.zeros_like(numbers[:, :, part])
        for row, col in np.ndindex(shape):
            if 0 <= row + by[0] < shape[0] and 0 <= col + by[1] < shape[1]:
                shifted[row + by[0], col + by[1]] = numbers[row, col, part]
        about = RPC(
            **{"height_off": 0, "height_scale": 1000, "lat_off": 32, "lat_scale": 1, "long_off": 110, "long_scale": 1},
            **{"line_off": by[0], "line_scale": 4000, "samp_off": by[1], "samp_scale": 4000},
            **{"line_num_coeff": [-one for one in terms[2]], "line_den_coeff": terms[0]},
            **{"samp_num_coeff": terms[1], "samp_den_coeff": terms[0]},
        )
        write_tif(
            folder / f"{start}_{detector}.geotiff", shifted, crs=None, transform=None, rpcs=about if rpcs else None
        )
        for word, columns in (("RadCal", (gains, offsets)), ("Spectralresponse", (nm, np.full(len(nm), 8.0)))):
            lines = [
                separator.join(f"{column[i]!r}" for column in map(np.ndarray.tolist, columns)) for i in range(len(nm))
            ]
            ends = f"{detector}IR_{word}" if satellite != "ZY1E" else f"{word}_{detector}IR"
            (folder / f"{satellite}_AHSI_{ends}.raw").write_text("\n".join(lines[part]) + "\n")
    (folder / f"{start}.xml").write_text(
        "<ProductMetaData><StartTime>2019-12-29 03:12:45</StartTime></ProductMetaData>"
    )
    return folder / f"{start}_VN.geotiff"


HISUI_NM = np.concatenate([np.linspace(405, 975, 58), np.linspace(903, 2478, 127)])


def write_hisui(folder: Path, radiance: np.ndarray) -> Path:
    """HISUI L1G: uint16 (rows, cols, 185), radiance by a factor and an offset for each detector; the first pixel 0."""
    folder.mkdir(parents=True, exist_ok=True)
    start = "HSHL1G_N329E1299_20230523072720_20240308144532"
    vnir = np.arange(185) < 58
    numbers = np.round((radiance - np.where(vnir, -10, -3.2)) / np.where(vnir, 0.01, 0.0032)).astype("u2")
    numbers[0, 0] = 0
    image = write_tif(folder / f"{start}.tif", numbers)
    lines = [f"{n},{1 if n <= 58 else 2},{one!r},11.5,0" for n, one in enumerate(HISUI_NM.tolist(), 1)]
    heading = "BandNumber,Detector,CenterWavelength,FWHM,Flag"
    (folder / f"{start}_B.csv").write_text("\n".join([heading, *lines]) + "\n")
    (folder / f"{start}.txt").write_text(
        "RadianceMultiVNIR=0.01\nRadianceAddVNIR=-10\nRadianceMultiSWIR=0.0032\nRadianceAddSWIR=-3.2\n"
        "SceneCenterTime=2023-05-23T07:27:20.1Z\n"
    )
    return image


def write_dimap(folder: Path, cube: np.ndarray, nm: np.ndarray) -> Path:
    """What SNAP writes: uint16 with factor and offset, one big-endian ENVI file a band, and a band of flags."""
    folder.mkdir(parents=True, exist_ok=True)
    data = folder / "scene.data"
    data.mkdir()
    rows, cols, _ = cube.shape
    files, bands = [], []
    layers = [*np.moveaxis(np.round((cube + 0.1) * 10000), 2, 0), np.zeros((rows, cols))]
    layers[0][0, 0] = 0
    for index, (layer, one) in enumerate(zip(layers, [*nm, 0.0], strict=True)):
        layer[0, 0] = 0
        (data / f"b{index}.img").write_bytes(layer.astype(">u2").tobytes())
        (data / f"b{index}.hdr").write_text(
            f"ENVI\nsamples = {cols}\nlines = {rows}\nbands = 1\nheader offset = 0\nfile type = ENVI Standard\n"
            "data type = 12\ninterleave = bsq\nbyte order = 1\n"
        )
        files.append(
            f'<Data_File><DATA_FILE_PATH href="scene.data/b{index}.hdr" /><BAND_INDEX>{index}</BAND_INDEX></Data_File>'
        )
        bands.append(
            f"<Spectral_Band_Info><BAND_INDEX>{index}</BAND_INDEX><BAND_NAME>b{index}</BAND_NAME>"
            f"<BAND_WAVELEN>{one}</BAND_WAVELEN><BANDWIDTH>9.0</BANDWIDTH><SCALING_FACTOR>1.0E-4</SCALING_FACTOR>"
            "<SCALING_OFFSET>-0.1</SCALING_OFFSET><LOG10_SCALED>false</LOG10_SCALED>"
            "<NO_DATA_VALUE_USED>true</NO_DATA_VALUE_USED><NO_DATA_VALUE>0.0</NO_DATA_VALUE></Spectral_Band_Info>"
        )
    path = folder / "scene.dim"
    path.write_text(
        '<?xml version="1.0" encoding="ISO-8859-1"?>\n<Dimap_Document name="scene.dim"><Metadata_Id>'
        '<METADATA_FORMAT version="2.12.1">DIMAP</METADATA_FORMAT>'
        "<METADATA_PROFILE>BEAM-DATAMODEL-V1</METADATA_PROFILE>"
        "</Metadata_Id><Production><PRODUCT_TYPE>CHRIS</PRODUCT_TYPE><PRODUCT_SCENE_RASTER_START_TIME>04-APR-2008 "
        "10:00:00.000000</PRODUCT_SCENE_RASTER_START_TIME></Production><Coordinate_Reference_System><WKT>EPSG:32632</WKT>"
        "</Coordinate_Reference_System><Geoposition><IMAGE_TO_MODEL_TRANSFORM>17.0,0.0,0.0,-17.0,500000.0,5300000.0"
        f"</IMAGE_TO_MODEL_TRANSFORM></Geoposition><Data_Access>{''.join(files)}</Data_Access>"
        f"<Image_Interpretation>{''.join(bands)}</Image_Interpretation></Dimap_Document>"
    )
    return path


def write_zarr(
    root: Path,
    arrays: dict[str, tuple[np.ndarray, list[str], dict[str, Any]]],
    version: int = 2,
    chunk_rows: int = 4,
) -> Path:
    """A store of arrays, each with the names of its dimensions and its attributes, in chunks without compression."""
    root.mkdir(parents=True)
    group = {"zarr_format": version} | ({} if version == 2 else {"node_type": "group", "attributes": {}})
    (root / (".zgroup" if version == 2 else "zarr.json")).write_text(json.dumps(group))
    for name, (values, dimensions, attributes) in arrays.items():
        folder = root / name
        folder.mkdir(parents=True)
        chunks = [size if axis != "y" else chunk_rows for size, axis in zip(values.shape, dimensions, strict=True)]
        if version == 2:
            about = {"zarr_format": 2, "shape": values.shape, "chunks": chunks, "dtype": values.dtype.str}
            about |= {"compressor": None, "fill_value": None, "order": "C", "filters": None}
            (folder / ".zarray").write_text(json.dumps(about))
            (folder / ".zattrs").write_text(json.dumps({"_ARRAY_DIMENSIONS": dimensions, **attributes}))
        else:
            about = {"zarr_format": 3, "node_type": "array", "shape": values.shape, "data_type": values.dtype.name}
            about |= {"chunk_grid": {"name": "regular", "configuration": {"chunk_shape": chunks}}, "fill_value": 0}
            about |= {"chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}}}
            about |= {"codecs": [{"name": "bytes", "configuration": {"endian": "little"}}]}
            about |= {"dimension_names": dimensions, "attributes": attributes}
            (folder / "zarr.json").write_text(json.dumps(about))
        for place in np.ndindex(*(-(-size // chunk) for size, chunk in zip(values.shape, chunks, strict=True))):
            part = tuple(slice(i * chunk, (i + 1) * chunk) for i, chunk in zip(place, chunks, strict=True))
            whole = np.zeros(chunks, dtype=values.dtype)
            block = values[part]
            whole[tuple(map(slice, block.shape))] = block
            key = ".".join(map(str, place)) if version == 2 else "/".join(["c", *map(str, place)])
            (folder / key).parent.mkdir(parents=True, exist_ok=True)
            (folder / key).write_bytes(whole.tobytes())
    return root

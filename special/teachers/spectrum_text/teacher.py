"""The spectrum-text teacher: class names read as land-cover concepts, pixels judged on all the bands there are.

A class name becomes one or more concepts, a concept one or more expected spectra with their uncertainty; the scene is
calibrated so that the named classes explain it; the likelihood of every pixel under every class, on whatever bands the
sensor has, named in groups of like pixels, is the prediction.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from special.classnames import languages
from special.classnames.class_list import ClassList
from special.classnames.encoder import MINILM_SHA256, SentenceEncoder, default_encoder
from special.classnames.reading import Reading, read_names
from special.landcover.concepts import ConceptTable, load_concepts, table_files
from special.libraries.reading import read_library
from special.passes import HERE, Passes
from special.progress import SILENT, Progress
from special.settings import Settings
from special.storage.rasters import MEMORY, Rows, ScratchSpace
from special.teachers.base import Teacher, TeacherRequest
from special.teachers.spectrum_text import growth_stages, kinds_of_one, outlines, pixels, windows
from special.teachers.spectrum_text.as_seen import SeenSpectra
from special.teachers.spectrum_text.calibrated_scene import CalibratedScene
from special.teachers.spectrum_text.clusters import Clusterings
from special.teachers.spectrum_text.confusion import confused_pairs
from special.teachers.spectrum_text.expected_spectra import Expected, expected_spectra
from special.teachers.spectrum_text.growth_stages import GrowthStages
from special.teachers.spectrum_text.kinds_of_one import KindsOfOne
from special.teachers.spectrum_text.measured import MeasuredSpectra
from special.teachers.spectrum_text.names import understood_names
from special.teachers.spectrum_text.outlines import Outlines
from special.teachers.spectrum_text.regions import Regions
from special.teachers.spectrum_text.settings import SpectrumTextSettings

if TYPE_CHECKING:
    from special.scene.scene import Scene
    from special.teachers.confusion import ConfusedPair
    from special.teachers.understanding import UnderstoodName


class SpectrumTextTeacher(Teacher):
    """Names pixels by their spectra; needs no RGB, no download and no label."""

    name = "spectrum-text"
    settings_type = SpectrumTextSettings

    def __init__(
        self,
        settings: SpectrumTextSettings,
        *,
        seed: int = 0,
        concepts: Sequence[Path] = (),
        table: ConceptTable | None = None,
        library: MeasuredSpectra | None = None,
        encoder: SentenceEncoder | None = None,
        passes: Passes = HERE,
    ) -> None:
        """Take the settings; the table of land cover and the encoder are read when they are first needed.

        Args:
            settings: the section ``[pseudo.spectrum_text]``.
            seed: of the clusterings.
            concepts: the user's files, beside the table that comes with the package.
            table, encoder: others than those.
            library: measured spectra for classes that it has; that of the settings when None.
            passes: who goes over the windows of a scene.
        """
        self.settings, self.seed, self.passes = settings, seed, passes
        self._concepts = list(concepts)
        self._table, self._encoder = table, encoder
        self._seen: SeenSpectra | None = None
        self._read: tuple[ClassList, list[list[Reading]]] | None = None
        self.measured = library
        if library is None and settings.library:
            own = Path(settings.library), settings.library_column, settings.library_beside
            self.measured = MeasuredSpectra(*own, seed)

    @classmethod
    def make(cls, request: TeacherRequest) -> Self:
        """Make it.

        Raises:
            SettingsError: a file of concepts cannot be understood.
        """
        settings = request.settings.build(SpectrumTextSettings)
        teacher = cls(settings, seed=request.seed, concepts=request.concepts, passes=request.passes)
        if request.concepts:  # ours is whole: only the user's can be wrong, and that is to be said at once
            _ = teacher.table
        if teacher.measured is not None:
            _ = teacher.measured.library
        return teacher

    @classmethod
    def decided_by(cls, settings: Settings) -> str:
        """Return the hash of the library, which may be a folder, or several files of which one is named."""
        library = str(settings.values.get(f"{SpectrumTextSettings.section}.library", ""))
        return read_library(library).sha256() if library else ""

    @cached_property
    def table(self) -> ConceptTable:
        """The table of land-cover concepts."""
        return self._table or load_concepts(self._concepts)

    @cached_property
    def encoder(self) -> SentenceEncoder:
        """The sentence encoder that reads class names."""
        return self._encoder or default_encoder()

    def readings(self, classes: ClassList) -> list[list[Reading]]:
        """Return how the names are read, as ``read_names`` does; once for a list, for the encoder takes seconds."""
        if self._read is None or self._read[0] != classes:
            self._read = classes, read_names(classes, self.table, self.encoder)
        return self._read[1]

    def understood(self, classes: ClassList) -> list[UnderstoodName]:
        """Return how it reads the class names, in class order."""
        return understood_names(classes, self.readings(classes))

    def confused_pairs(self, classes: ClassList, wavelengths: np.ndarray) -> list[ConfusedPair]:
        """Return the pairs of classes that it cannot tell apart on bands at ``wavelengths`` (bands,), nm."""
        return confused_pairs(self, classes, wavelengths)

    def leave(self, folder: Path) -> list[Path]:
        """Write how the scene was read, and what its classes should look like in it, once it has been looked at."""
        return [] if self._seen is None else [self._seen.save(folder)]

    def identity(self) -> dict[str, Any]:
        """Hashes of the concept table, of the words of other languages, and of the sentence encoder's weights."""
        concepts = hashlib.sha256(b"".join(path.read_bytes() for path in table_files(self._concepts))).hexdigest()
        return {
            "concepts_sha256": concepts if self._table is None else self._table.sha256,
            "languages_sha256": languages.identity(),
            "encoder_sha256": MINILM_SHA256 if self._encoder is None else self._encoder.sha256,
            **({} if self.measured is None else self.measured.identity()),
        }

    def predict(
        self,
        scene: Scene,
        rgb: np.ndarray | None,
        classes: ClassList,
        progress: Progress = SILENT,
        scratch: ScratchSpace = MEMORY,
    ) -> Rows:
        """Return class probabilities float32 (rows, cols, K); ``rgb`` is not looked at.

        The scene is read by windows: what is kept of every pixel is its clusters and the result, in ``scratch``.
        """
        progress.begin("spectrum-text teacher", 5)
        with progress.phase("read names"):
            readings = self.readings(classes)
        with progress.phase("calibrate"):
            calibrated = CalibratedScene.of(scene, classes, readings, self)
            self._seen = SeenSpectra.of(calibrated.conversion, calibrated.calibrations[0], calibrated.likelihood)
            progress.advance()
        with progress.phase("cluster"):
            sample = pixels.sample_spectra(scene, self.settings.cluster_pixels, self.passes)
            clusterings = Clusterings(
                calibrated.looks(calibrated.signals(sample)),
                len(classes),
                self.settings.clusters_per_class,
                whitening=self.settings.cluster_whitening,
                seed=self.seed,
            )
            progress.advance()
        with progress.phase("classify"):
            clusters = scratch.zeros("clusters", (*scene.valid.shape, len(clusterings)), clusterings.dtype)
            every = list(pixels.windows(scene))
            found = self.passes.over(every, partial(windows.classified, scene, calibrated, clusterings))
            for rows, (own, sums, sizes) in zip(every, found, strict=True):
                clusterings.merge(sums, sizes)
                clusters[rows] = own
            progress.advance()
        with progress.phase("outlines"):
            shapes = self._outlines(scene, readings, clusterings, clusters, scratch)
            progress.advance()
        with progress.phase("name"):
            result = scratch.zeros(self.name, (*scene.valid.shape, len(classes)))
            numbered = self._numbered(scene, calibrated, clusterings, clusters, readings)
            work = partial(windows.named, scene, calibrated, clusterings, clusters, numbered, shapes)
            sharpened = self.passes.over(every, partial(work, self.settings.sharpness))
            for rows, probabilities in zip(every, sharpened, strict=True):
                result[rows] = probabilities
            progress.advance()
        progress.end()
        return result

    def spectra(
        self,
        readings: Sequence[Sequence[Reading]],
        classes: ClassList,
        wavelengths: np.ndarray,
        fwhm: np.ndarray | None,
        regions: Regions,
        table: ConceptTable,
    ) -> list[Expected]:
        """Return the spectra that the classes may show: of the table, and of the library where there is one.

        Args:
            readings: of the names of ``classes``.
            classes: the class list.
            wavelengths: (bands,), nm, rising, of the sensor. fwhm: (bands,), or None.
            regions: those that the bands are averaged to.
            table: of concepts, as smooth as the regions show it.

        Raises:
            SettingsError: the library has none of the classes.
        """
        spectra = expected_spectra(readings, table, self.settings.rest_log_weight)
        if self.measured is None:
            return spectra
        return self.measured.join(spectra, classes, table, wavelengths, fwhm, regions)

    def _outlines(
        self,
        scene: Scene,
        readings: list[list[Reading]],
        clusterings: Clusterings,
        clusters: Rows,
        scratch: ScratchSpace,
    ) -> Outlines | None:
        """Look at the outlines, where the list has what they tell apart."""
        own, material = self.settings.outline_own, self.settings.outline_material
        tendencies = outlines.tendencies(readings, self.table)
        if not (own or material) or not tendencies:
            return None
        return Outlines.of(
            scene, tendencies, clusterings, clusters, scratch, own=own, material=material, passes=self.passes
        )

    def _numbered(
        self,
        scene: Scene,
        calibrated: CalibratedScene,
        clusterings: Clusterings,
        clusters: Rows,
        readings: list[list[Reading]],
    ) -> list[GrowthStages | KindsOfOne]:
        """Find growth stages, and kinds of one thing, where there are pixels enough, from a sample of their members."""
        centres = calibrated.conversion.regions.centres
        series = growth_stages.series_of(readings) if growth_stages.has_greenness(centres) else []
        groups = [*series, *kinds_of_one.kinds_of(readings)]
        if not groups:
            return []
        every = list(pixels.windows(scene))
        counted = self.passes.over(every, partial(windows.members, scene.valid, clusterings, clusters, groups))
        counts = np.array(list(counted))  # (windows, groups)
        totals, before = counts.sum(axis=0), np.cumsum(counts, axis=0) - counts
        chosen = [pixels.evenly(int(total), self.settings.cluster_pixels) for total in totals]
        wanted = [
            (rows, [pixels.within(*each) for each in zip(chosen, start, start + count, strict=True)])
            for rows, start, count in zip(every, before, counts, strict=True)
        ]
        found = self.passes.over(wanted, partial(windows.member_logs, scene, calibrated, clusterings, clusters, groups))
        samples = [np.concatenate(own) for own in zip(*found, strict=True)]
        return [
            GrowthStages(sample, centres, group, seed=self.seed)
            if group in series
            else KindsOfOne(sample, group, seed=self.seed)
            for sample, group, count in zip(samples, groups, totals, strict=True)
            if count >= growth_stages.FEWEST * len(group)
        ]

"""Sketches of land cover that the concept table lacks, written by a language model and checked before they are used.

What comes out is a file in the form of ``prompts/concepts.toml``: read it, mend it, and give it to ``--concepts``.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from special.classnames.class_list import ClassList
from special.classnames.reading import Encoder, head_of, is_known, normalise, read_names
from special.landcover.concepts import ConceptTable, load_concepts
from special.landcover.plausibility import complaints
from special.llm.answer_cache import AnswerCache, UnusableAnswer, ask, plain, read_template
from special.llm.client import LanguageModel
from special.llm.sketch_schema import misfits
from special.progress import SILENT, Progress
from special.resources import PROMPTS

EXAMPLES = 3  # known concepts nearest to the name, shown to the model
ALWAYS_SHOWN = ("grass", "bare soil", "asphalt")
BACKGROUNDS = ("bare soil", "wet soil", "dry grass", "crop residue", "gravel", "water", "snow")
_ONLY_PLANTS = ("green vegetation", "dry vegetation")


@dataclass(frozen=True)
class Wanted:
    """A land cover to sketch: ``name`` as the table will have it, ``asked`` as the user wrote it, ``near`` concepts."""

    name: str
    asked: str
    near: tuple[str, ...]


@dataclass(frozen=True)
class Sketch:
    """One concept, in percent: ``variants`` are (name, reflectance at the table's wavelengths)."""

    name: str
    sentence: str
    kind: str
    source: str
    level_sd: float
    shape_sd: float
    variants: tuple[tuple[str, tuple[float, ...]], ...]
    cover: tuple[float, ...] = ()
    background: str = ""


def wanted(classes: ClassList, table: ConceptTable, encoder: Encoder, *, every: bool = False) -> list[Wanted]:
    """Return what has to be sketched for a class list: names that the table does not have, or all where ``every``.

    Names that differ only in what is said beside the land cover (age, tillage, "dry") want one sketch. "Other" and its
    kin want none.
    """
    found: dict[str, Wanted] = {}
    for entry, readings in zip(classes, read_names(classes, table, encoder), strict=True):
        if not readings[0].concepts or (not every and any(map(is_known, readings))):
            continue
        name = head_of(entry.name, table) or normalise(entry.name)
        near = tuple(concept for concept, _ in readings[0].concepts[:EXAMPLES])
        found.setdefault(name, Wanted(name, " | ".join(entry.texts), near))
    return list(found.values())


def sketch(
    wants: Sequence[Wanted],
    table: ConceptTable,
    model: LanguageModel,
    *,
    answers: AnswerCache | None = None,
    progress: Progress = SILENT,
) -> list[Sketch]:
    """Have a language model sketch land covers.

    Raises:
        LanguageModelError: the model cannot be asked, or twice wrote what has not the form asked for or is physically
            impossible.
    """
    answers = answers or AnswerCache()
    schema = read_schema(len(table.wavelengths))
    sketches = []
    progress.begin("sketch", len(wants))
    for want in wants:
        prompt = _prompt(want, table, schema)

        def read(answer: str, want: Wanted = want) -> Sketch:
            return read_sketch(answer, want, table, schema, model.endpoint.model)

        sketches.append(ask(model, answers, prompt, read, about=want.name, schema=schema))
        progress.advance()
    progress.end()
    return sketches


def read_schema(bands: int) -> dict[str, Any]:
    """Return the JSON schema of a sketch, for spectra of ``bands`` values."""
    text = (PROMPTS / "sketch.json").read_text(encoding="utf-8")
    schema: dict[str, Any] = json.loads(text)
    spectrum = schema["properties"]["variants"]["items"]["properties"]["percent"]
    spectrum |= {"minItems": bands, "maxItems": bands}
    return schema


def read_sketch(answer: str, want: Wanted, table: ConceptTable, schema: Mapping[str, Any], model: str) -> Sketch:
    """Return the sketch in a model's answer.

    Raises:
        UnusableAnswer: it is no JSON, does not fit the schema, or is physically impossible.
    """
    text = plain(answer)
    try:
        value = json.loads(text[text.find("{") : text.rfind("}") + 1], parse_constant=_refuse, parse_int=float)
    except (ValueError, RecursionError) as error:
        raise UnusableAnswer(f"it is not one JSON object ({error})") from None
    wrong = misfits(value, schema)
    if wrong:
        raise UnusableAnswer("; ".join(wrong[:5]))
    wrong = [*_cover(value, table), *_physics(value, table.wavelengths)]
    if " ".join(value["name"].casefold().split()) != want.name.casefold():
        wrong.append(f"the name is {value['name']!r}, and {want.name!r} was asked for")
    if wrong:
        raise UnusableAnswer("; ".join(wrong[:5]))
    return Sketch(
        name=want.name,
        sentence=_line(value["sentence"]),
        kind=value["kind"],
        source=f"sketched by the language model {_line(model)}, checked for plausibility, not measured",
        level_sd=float(value["level_sd"]),
        shape_sd=float(value["shape_sd"]),
        variants=tuple((_line(v["name"]), tuple(map(float, v["percent"]))) for v in value["variants"]),
        cover=tuple(sorted(map(float, value.get("cover", ())))),
        background=value.get("background", ""),
    )


def format_concepts(sketches: Sequence[Sketch], wavelengths: np.ndarray) -> str:
    """Return sketches as the text of a concept file, read back once to be sure that ``--concepts`` takes it.

    ``wavelengths`` (bands,), nm, are those of the sketches.
    """
    lines = [
        "# Land cover that the package's own table lacks, sketched by a language model: plausible, not measured.",
        "# Compare it with what you know, mend it, and use it: special label SCENE --classes FILE --concepts THIS.toml",
        "# What every field means stands at the head of prompts/concepts.toml.",
        "",
        f"wavelengths = [{', '.join(f'{nm:g}' for nm in wavelengths)}]",
    ]
    for one in sketches:
        lines += ["", "[[concept]]", f"name = {_quoted(one.name)}"]
        lines += [f"sentence = {_quoted(one.sentence)}", f"source = {_quoted(one.source)}  # kind: {one.kind}"]
        lines += [f"level_sd = {one.level_sd:g}", f"shape_sd = {one.shape_sd:g}"]
        if one.cover:
            lines += [f"cover = [{', '.join(f'{f:g}' for f in one.cover)}]", f"background = {_quoted(one.background)}"]
        lines += ["variants = ["]
        for name, percent in one.variants:
            lines.append(f"  {{ name = {_quoted(name)}, percent = [{', '.join(f'{p:g}' for p in percent)}] }},")
        lines.append("]")
    text = "\n".join(lines) + "\n"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "concepts.toml"
        path.write_text(text, encoding="utf-8")
        load_concepts([path])
    return text


def _prompt(want: Wanted, table: ConceptTable, schema: Mapping[str, Any]) -> str:
    shown = dict.fromkeys(name for name in (*want.near, *ALWAYS_SHOWN) if name in table.concepts)
    examples = []
    for name in shown:
        variant = table.concepts[name].variants[0]
        spectrum = variant.reflectance if variant.canopy is None else variant.canopy
        examples.append(f"{name}: {', '.join(f'{100 * value:.2g}' for value in spectrum)}")
    return read_template(
        "sketch.txt",
        name=want.name,
        asked=want.asked,
        wavelengths=", ".join(f"{nm:g}" for nm in table.wavelengths),
        count=str(len(table.wavelengths)),
        examples="\n".join(examples),
        backgrounds=", ".join(_backgrounds(table)),
        schema=json.dumps(schema, indent=1),
    )


def _backgrounds(table: ConceptTable) -> list[str]:
    return [name for name in BACKGROUNDS if name in table.concepts]


def _cover(value: Mapping[str, Any], table: ConceptTable) -> list[str]:
    """What is wrong with cover and background, which belong together and to plants."""
    if ("cover" in value) != ("background" in value):
        return ["cover and background go together: give both or neither"]
    if "cover" not in value:
        return []
    wrong = [] if value["kind"] in _ONLY_PLANTS else [f"only plants have a cover, not {value['kind']}"]
    if value["background"] not in _backgrounds(table):
        wrong.append(f"the background {value['background']!r} is none of {', '.join(_backgrounds(table))}")
    return wrong


def _physics(value: Mapping[str, Any], wavelengths: np.ndarray) -> list[str]:
    return [
        f"variant {variant['name']!r}: {complaint}"
        for variant in value["variants"]
        for complaint in complaints(value["kind"], wavelengths, variant["percent"])
    ]


def _refuse(constant: str) -> float:
    raise ValueError(f"{constant} is no number")


def _line(text: str) -> str:
    """One line without control characters."""
    return "".join(character for character in " ".join(text.split()) if character.isprintable())


def _quoted(text: str) -> str:
    """A TOML basic string, whose escapes are those of JSON."""
    return json.dumps(text, ensure_ascii=False)

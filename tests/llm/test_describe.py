"""``special describe``: descriptions and sketches, from the package and from a language model."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import platformdirs
import pytest
from click.testing import CliRunner, Result
from llm_server import Reply, Request, Server, says, serve

from special.classnames.class_list import ClassList
from special.classnames.descriptions import read_descriptions
from special.classnames.encoder import default_encoder
from special.classnames.reading import read_names
from special.cli import main
from special.landcover.concepts import ConceptTable, load_concepts
from special.llm.answer_cache import UnusableAnswer
from special.llm.describe import read_paragraphs
from special.llm.sketch import Wanted, read_schema, read_sketch, wanted
from special.llm.sketch_schema import misfits

NAMES = ["Asphalt", "Saffron field | crocus", "Other"]
LONG = "is something that people see from above, and it has a colour, a texture and a spectrum of its own."


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with a class list, a cache of its own, and no key."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(platformdirs, "user_cache_dir", lambda *names, **options: str(tmp_path / "cache"))
    for name in ("SPECIAL_LLM_KEY", "OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "classes.txt").write_text("\n".join(NAMES))
    return tmp_path


@pytest.fixture
def server() -> Iterator[Server]:
    with serve() as server:
        yield server


def describe(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["describe", "--classes", "classes.txt", *arguments])


def asking(server: Server) -> tuple[str, ...]:
    return ("--llm-url", server.url, "--llm-model", "tiny")


def asked_for(request: Request) -> str:
    found = re.search(r'(?:the class|the land cover) "([^"]*)"', request.body["messages"][0]["content"])
    assert found
    return found[1]


def writes(request: Request) -> Reply:
    name = asked_for(request)
    return says(f"## {name}\n\n**{name}** {LONG}\n\nIts spectrum {LONG}\n\n3. {name} {LONG}")


def saffron(**changes: Any) -> dict[str, Any]:
    """A sketch as a good model writes it."""
    crop = load_concepts().concepts["crop"].variants[0].canopy
    assert crop is not None
    sketch = {
        "name": "saffron field",
        "sentence": 'Rows of small plants with "violet" flowers.',
        "kind": "green vegetation",
        "level_sd": 0.3,
        "shape_sd": 0.15,
        "cover": [0.9, 0.3],
        "background": "bare soil",
        "variants": [{"name": "closed rows", "percent": [round(100 * float(value), 2) for value in crop]}],
    } | changes
    return {key: value for key, value in sketch.items() if value is not None}


def failure(result: Result) -> str:
    assert (result.exit_code, result.stdout) == (2, ""), result.output
    assert result.stderr.count("\n") == 1
    return result.stderr


def test_by_default_the_curated_texts_are_written_and_no_network_is_asked(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*arguments: Any) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    result = describe()
    assert result.exit_code == 0, result.output
    texts = read_descriptions(here / "descriptions.txt", ClassList.parse(NAMES))
    assert all(len(paragraphs) >= 2 for paragraphs in texts)
    assert "Saffron field" in result.stdout and "paragraphs" in result.stdout


def test_a_language_model_writes_every_class_but_the_rest(here: Path, server: Server) -> None:
    server.respond = writes
    result = describe("-o", "mine.txt", *asking(server), "-q")
    assert (result.exit_code, result.output) == (0, "")
    asphalt, saffron, other = read_descriptions(here / "mine.txt", ClassList.parse(NAMES))
    assert asphalt == (f"Asphalt {LONG}", f"Asphalt: Its spectrum {LONG}", f"Asphalt {LONG}")
    assert saffron[0].startswith("Saffron field")
    assert "no other name of the list explains" in other[0]
    assert [asked_for(request) for request in server.requests] == ["Asphalt", "Saffron field"]
    assert server.requests[0].said.startswith("You describe") and "{" not in server.requests[0].said
    assert "(also: crocus)" in server.requests[1].said and "Asphalt, Other" in server.requests[1].said


def test_an_interrupted_command_goes_on_where_it_was(here: Path, server: Server) -> None:
    server.respond = lambda request: writes(request) if asked_for(request) == "Asphalt" else Reply({}, 401)
    assert "wants another key" in failure(describe(*asking(server), "-q"))
    assert not (here / "descriptions.txt").exists()
    server.respond = writes
    assert describe(*asking(server)).exit_code == 0
    assert [asked_for(request) for request in server.requests] == ["Asphalt", "Saffron field", "Saffron field"]


def test_a_second_command_asks_nothing_unless_it_wants_fresh_answers(here: Path, server: Server) -> None:
    server.respond = writes
    for out, more, asked in (("a", (), 2), ("b", (), 2), ("c", ("--fresh",), 4)):
        assert describe(*asking(server), "-o", out, *more).exit_code == 0
        assert len(server.requests) == asked
    assert (here / "a").read_text() == (here / "b").read_text()


def test_the_key_of_the_environment_is_sent(here: Path, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPECIAL_LLM_KEY", "s3cret")
    server.respond = writes
    assert "s3cret" not in describe(*asking(server)).output
    assert server.requests[0].headers["Authorization"] == "Bearer s3cret"
    assert not any("s3cret" in path.read_text() for path in here.rglob("*") if path.is_file())


def test_what_a_user_has_edited_is_not_overwritten(here: Path, server: Server) -> None:
    (here / "descriptions.txt").write_text("mine")
    assert "--force replaces it" in failure(describe(*asking(server)))
    assert (here / "descriptions.txt").read_text() == "mine" and server.requests == []
    assert describe("--force").exit_code == 0
    assert "[Asphalt]" in (here / "descriptions.txt").read_text()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--spectra",), r"does not know \(saffron field\): give --llm-url"),
        (("--all",), "belong to --spectra"),
        (("--llm-url", "http://localhost:1"), "go together"),
        (("--llm-model", "tiny"), "go together"),
        (("--llm-url", "localhost:1", "--llm-model", "tiny"), "no address"),
        (("-o", "nowhere/d.txt"), "no folder nowhere"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(here: Path, arguments: tuple[str, ...], said: str) -> None:
    assert re.search(said, failure(describe(*arguments)))
    assert [path.name for path in here.iterdir()] == ["classes.txt"]


def test_introductions_and_marks_are_dropped() -> None:
    answer = f"Sure, here are the three paragraphs that you asked for about the class of asphalt, as requested:\n\n" \
             f"1. **Asphalt** {LONG}\n\n---\n\n- The spectrum {LONG}\n\nHope this helps!"  # fmt: skip
    assert read_paragraphs(answer, "Asphalt") == (f"Asphalt {LONG}", f"Asphalt: The spectrum {LONG}")


@pytest.mark.parametrize("answer", ["", "I cannot.", f"Asphalt {LONG}", f"Asphalt {LONG}\n\n{'long ' * 700}"])
def test_too_little_and_too_much_are_refused(answer: str) -> None:
    with pytest.raises(UnusableAnswer):
        read_paragraphs(answer, "Asphalt")


def test_a_sketch_becomes_a_concept_that_the_class_name_means(here: Path, server: Server) -> None:
    server.replies = [says(f"```json\n{json.dumps(saffron())}\n```")]
    result = describe("--spectra", *asking(server))
    assert result.exit_code == 0, result.output
    table = load_concepts([here / "sketches.toml"])
    concept = table.concepts["saffron field"]
    assert [variant.cover for variant in concept.variants] == [0.3, 0.9]
    assert concept.sentence == 'Rows of small plants with "violet" flowers.' and "tiny" in concept.source
    np.testing.assert_allclose(concept.variants[0].canopy, load_concepts().concepts["crop"].variants[0].canopy, 1e-3)
    readings = read_names(ClassList.parse(NAMES), table, default_encoder())
    assert readings[1][0].concepts == (("saffron field", 1.0),)


def test_only_what_the_table_does_not_know_is_sketched(here: Path, server: Server) -> None:
    server.replies = [says(json.dumps(saffron()))]
    describe("--spectra", *asking(server))
    assert [asked_for(request) for request in server.requests] == ["saffron field"]
    question = server.requests[0].said
    assert question.startswith("You know") and not re.search(r"\{[a-z]+\}", question)
    assert "Saffron field | crocus" in question and "400, 440, 480" in question and '"maxItems": 24' in question
    assert server.requests[0].body["response_format"]["type"] == "json_schema"


def test_where_the_table_knows_every_class_nothing_is_asked(here: Path, server: Server) -> None:
    (here / "classes.txt").write_text("Asphalt\nMeadow\nCorn-notill\nZebra crossing | road")
    result = describe("--spectra", *asking(server))
    assert result.exit_code == 0 and "nothing to sketch" in result.stderr
    assert server.requests == [] and not (here / "sketches.toml").exists()


def test_an_impossible_sketch_is_asked_for_once_more_with_the_physics(here: Path, server: Server) -> None:
    grey = saffron(variants=[{"name": "grey", "percent": [20] * 24}])
    server.replies = [says(json.dumps(grey)), says(json.dumps(saffron()))]
    assert describe("--spectra", *asking(server)).exit_code == 0
    assert "NDVI above 0.3" in server.requests[1].said


def test_a_sketch_that_stays_impossible_is_one_line_and_no_file(here: Path, server: Server) -> None:
    grey = saffron(variants=[{"name": "grey", "percent": [20] * 24}])
    server.respond = lambda request: says(json.dumps(grey))
    message = failure(describe("--spectra", *asking(server), "-q"))
    assert "'saffron field'" in message and "NDVI above 0.3" in message
    assert len(server.requests) == 2 and not (here / "sketches.toml").exists()


def test_an_own_concept_is_known(here: Path, server: Server) -> None:
    server.replies = [says(json.dumps(saffron()))]
    describe("--spectra", *asking(server))
    result = describe("--spectra", "--concepts", "sketches.toml", "-o", "more.toml", *asking(server))
    assert "nothing to sketch" in result.stderr and len(server.requests) == 1


@pytest.fixture(scope="module")
def table() -> ConceptTable:
    return load_concepts()


def wants(table: ConceptTable, *names: str, every: bool = False) -> list[str]:
    return [want.name for want in wanted(ClassList.parse(names), table, default_encoder(), every=every)]


def test_stages_of_one_plant_want_one_sketch(table: ConceptTable) -> None:
    assert wants(table, "Saffron 4wk", "Saffron 7wk", "Dry saffron", "Water") == ["saffron"]


def test_all_sketches_the_known_ones_too_but_not_the_rest(table: ConceptTable) -> None:
    assert wants(table, "Saffron", "Water", "Background", every=True) == ["saffron", "water"]


def read(table: ConceptTable, sketch: Any) -> Any:
    text = sketch if isinstance(sketch, str) else json.dumps(sketch)
    schema = read_schema(len(table.wavelengths))
    return read_sketch(text, Wanted("saffron field", "Saffron field", ()), table, schema, "tiny")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"kind": "purple"}, "kind should be one of"),
        ({"kind": None}, "lacks 'kind'"),
        ({"level_sd": 3}, "level_sd is 3: at most 0.8"),
        ({"shape_sd": "small"}, "shape_sd should be of type number"),
        ({"level_sd": True}, "level_sd should be of type number"),
        ({"mood": 1}, "unknown 'mood'"),
        ({"variants": []}, "variants has 0 items"),
        ({"variants": [{"name": "x", "percent": [1, 2]}]}, "2 items: 24 asked for"),
        ({"variants": [{"name": "x", "percent": [120] * 24}]}, r"percent\[0\] is 120: at most 100"),
        ({"cover": [0]}, r"cover\[0\] is 0: more than 0"),
        ({"cover": None}, "go together"),
        ({"background": "the moon"}, "none of bare soil"),
        ({"kind": "artificial"}, "only plants have a cover"),
        ({"name": "tulips"}, "'saffron field' was asked for"),
        ({"sentence": ""}, "sentence has 0 characters"),
        ({"level_sd": 10**400}, "level_sd is inf: at most 0.8"),
    ],
)
def test_a_sketch_that_does_not_fit_is_refused_with_the_reason(table: ConceptTable, change: dict, said: str) -> None:
    with pytest.raises(UnusableAnswer, match=said):
        read(table, saffron(**change))


@pytest.mark.parametrize(
    "text", ["", "no", "[1]", '{"level_sd": NaN}', json.dumps(saffron())[:-40], "{" + "[" * 100_000 + "}"]
)
def test_what_is_no_json_object_is_refused(table: ConceptTable, text: str) -> None:
    with pytest.raises(UnusableAnswer):
        read(table, text)


def test_the_schema_is_the_one_that_the_model_is_shown_and_accepts_a_good_sketch() -> None:
    assert misfits(saffron(), read_schema(24)) == []

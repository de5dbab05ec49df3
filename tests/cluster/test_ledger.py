"""The tables of a batch say what its rows say, whoever writes them and whatever stands in them."""

from __future__ import annotations

import csv
import json
import re
import threading
from pathlib import Path

import pytest

from special.cluster.ledger import PAGE, SUMMARY, TABLE, Ledger
from special.cluster.rows import DONE, FAILED, Row
from special.errors import BatchError


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    made = Ledger(tmp_path / "maps")
    made.begin({"made_by": "a test"})
    return made


def area(name: str, share: float) -> dict:
    return {"name": name, "pixels": int(100 * share), "share": share, "confidence": 0.5, "colour": "#123456"}


LINE = Row("line", "lines/line.mat", "line.special", state=DONE, pixels=100, confidence=0.5, areas=[area("Water", 1.0)])


def test_rows_come_back_in_the_order_of_the_list(ledger: Ledger) -> None:
    ledger.write(Row("b", "b.mat", "b.special", order=0), Row("a", "a.mat", "a.special", order=1))
    assert [row.name for row in ledger.rows()] == ["b", "a"]


def test_the_tables_hold_every_row(ledger: Ledger) -> None:
    ledger.write(LINE, Row("other", "other.mat", "other.special", 1, FAILED, "it is no scene"))
    summary = json.loads((ledger.folder / SUMMARY).read_text())
    assert summary["counts"] == {"done": 1, "failed": 1}
    with (ledger.folder / TABLE).open(newline="") as stream:
        first, second = csv.DictReader(stream)
    assert (first["share of Water"], first["confidence"]) == ("1.000000", "0.5")
    assert (second["state"], second["why"], second["share of Water"]) == ("failed", "it is no scene", "")


def test_what_killed_parts_have_left_half_written_goes_with_the_next_line(ledger: Ledger) -> None:
    rows = next(path for path in ledger.folder.rglob("rows") if path.is_dir())
    half = [ledger.folder / ".partial" / "summary.json.1234", rows / ".partial" / "line.json.5678"]
    half += [ledger.folder / f".{name}.9abc" for name in (TABLE, PAGE)]
    for path in half:
        path.parent.mkdir(exist_ok=True)
        path.write_text("{")
    ledger.write(LINE)
    assert not [path for path in half if path.exists()]
    assert [row.name for row in ledger.rows()] == ["line"]


def test_what_names_hold_is_shown_and_not_run(ledger: Ledger) -> None:
    evil = "<script>alert(1)</script>\"'"
    ledger.write(Row(evil.replace("/", "_"), evil, f"{evil}.special", 0, FAILED, evil, links={evil: f"{evil}/map.png"}))
    ledger.write(Row("b", "b", "b.special", 1, DONE, pixels=1, confidence=1.0, areas=[area(evil, 1.0)], thumbnail=evil))
    page = (ledger.folder / PAGE).read_text()
    assert "<script" not in page
    assert re.findall(r'(?:src|href)="([^"]*)"', page) == [
        *("summary.csv", "summary.json"),
        *("%3Cscript%3Ealert%281%29%3C/script%3E%22%27/map.png", "%3Cscript%3Ealert%281%29%3C/script%3E%22%27"),
    ]


def test_jobs_that_write_at_once_leave_a_table_of_all(ledger: Ledger) -> None:
    def job(number: int) -> None:
        own = Ledger(ledger.folder)
        for scene in range(4):
            own.write(Row(f"{number}-{scene}", "x", "x.special", order=4 * number + scene, state=DONE))

    jobs = [threading.Thread(target=job, args=(number,)) for number in range(4)]
    for each in jobs:
        each.start()
    for each in jobs:
        each.join()
    assert json.loads((ledger.folder / SUMMARY).read_text())["counts"] == {"done": 16}


def test_a_batch_or_a_part_of_one_is_held_by_one_process(ledger: Ledger) -> None:
    refused = pytest.raises(BatchError, match="in use by another special batch")
    with ledger.held("part-1-of-2"), ledger.held("part-2-of-2"), refused, ledger.held("part-1-of-2"):
        pass


def test_a_row_of_a_later_version_is_read(ledger: Ledger) -> None:
    path = ledger.folder / ".batch" / "rows" / "x.json"
    path.write_text(json.dumps({"name": "x", "scene": "x.mat", "run": "x.special", "weather": "fine"}))
    assert ledger.row("x") == Row("x", "x.mat", "x.special")


@pytest.mark.parametrize(
    "changes",
    [
        {"name": 3},
        {"order": "first"},
        {"order": None},
        {"state": "flying"},
        {"why": ["a"]},
        {"seconds": "long"},
        {"pixels": 10**400},
        {"areas": [1]},
        {"areas": [{"name": "Water"}]},
        {"areas": [{**area("Water", 1.0), "colour": "red;background:url(http://192.0.2.1/)"}]},
        {"classes": "Water"},
        {"classes": [1]},
        {"links": ["map.png"]},
        {"links": {"map": "../../outside.html"}},
        {"run": "../outside.special"},
        {"thumbnail": "/outside.png"},
    ],
)
def test_a_row_that_is_damaged_is_none_and_breaks_no_table(ledger: Ledger, changes: dict) -> None:
    ledger.write(LINE)
    path = ledger.folder / ".batch" / "rows" / "x.json"
    path.write_text(json.dumps({"name": "x", "scene": "x.mat", "run": "x.special", **changes}))
    assert ledger.row("x") is None and [row.name for row in ledger.rows()] == ["line"]
    ledger.publish()
    assert json.loads((ledger.folder / SUMMARY).read_text())["counts"] == {"done": 1}


def test_a_row_that_is_nested_too_deeply_is_none(ledger: Ledger) -> None:
    (ledger.folder / ".batch" / "rows" / "x.json").write_text("[" * 100_000)
    assert ledger.row("x") is None and ledger.rows() == []


def test_a_folder_with_something_else_in_it_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").touch()
    with pytest.raises(BatchError, match="is no batch and not empty"):
        Ledger(tmp_path).begin({})


def test_what_is_no_batch_says_so(tmp_path: Path) -> None:
    with pytest.raises(BatchError, match=r"is no batch \(it has no batch\.json\)"):
        _ = Ledger(tmp_path).about
    (tmp_path / "batch.json").write_text("{")
    with pytest.raises(BatchError, match="is damaged"):
        _ = Ledger(tmp_path).about

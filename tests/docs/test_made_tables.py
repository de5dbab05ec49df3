"""Tables of the pages come from what benchmarks have kept, and none is without a word about where it is from."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import doc_pages
import pytest

sys.path.insert(0, str(doc_pages.ROOT / "docs" / "tools"))
sys.path.insert(0, str(doc_pages.ROOT / "benchmarks"))
import figures
import record
import tables

KEPT = {"command": "python benchmarks/x.py", "version": "9.9", "commit": "abc", "machine": "2 cores", "figures": [1, 2]}


def cells(table: str) -> list[list[str]]:
    """The cells of a Markdown table, without the line below its titles."""
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]
    assert set("".join(lines[1])) == {"-"} and len({len(line) for line in lines}) == 1
    return [lines[0], *lines[2:]]


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tables, "RESULTS", tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", ["accuracy", "speed", "answers"])
def test_every_table_of_figures_is_made_or_says_that_it_is_old(name: str) -> None:
    text = (doc_pages.ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8")
    outside = re.sub(r"<!-- made: .*?<!-- end -->", "", text, flags=re.DOTALL)
    assert not re.findall(r"^\|.*\b\d+\.\d+.*\|$", outside, flags=re.MULTILINE)


def test_a_table_says_by_what_it_was_measured(results: Path) -> None:
    (results / "x.json").write_text(json.dumps(KEPT), encoding="utf-8")
    made = tables.Table(lambda found: f"| {sum(found)} |", ("x",)).text("| old |")
    assert made == "| 3 |\n\n*Measured with version 9.9 (abc) by `python benchmarks/x.py`; 2 cores.*"


def test_a_table_without_its_figures_stays_and_says_that_it_is_old(results: Path) -> None:
    table = tables.Table(lambda found: "new", ("x",))
    once = table.text("| old |")
    assert once == f"| old |\n\n{tables.STALE}"
    assert table.text(once) == once


def test_every_file_of_figures_is_used_and_whole() -> None:
    used = {stem for table in tables.TABLES.values() for stem in table.sources}
    kept = sorted(tables.RESULTS.glob("*.json"))
    assert {path.stem for path in kept} <= used
    for path in kept:
        assert set(KEPT) <= set(json.loads(path.read_text(encoding="utf-8"))), path.name


def test_the_list_of_files_names_every_source() -> None:
    listed = re.findall(r"`([\w-]+)\.json`", (tables.RESULTS / "README.md").read_text(encoding="utf-8"))
    assert set(listed) - {"NAME"} == {stem for table in tables.TABLES.values() for stem in table.sources}


def test_scenes_have_their_mean() -> None:
    rows = [{"scene": name, "steps": {s: {"oa": oa} for s in ("pseudo", "warmup", "refine")}} for name, oa in A_AND_B]
    assert cells(figures.scenes(rows))[1:] == [["a", *["0.200"] * 3], ["b", *["0.600"] * 3], ["mean", *["0.400"] * 3]]


A_AND_B = (("a", 0.2), ("b", 0.6))


def test_simulated_scenes_have_their_worst_tenth() -> None:
    made = figures.worlds({"held out": [{"oa": k / 20} for k in range(20)]})
    assert cells(made)[1] == ["held out", "20", "0.475", "0.025"]


def test_minerals_are_told_by_sensor() -> None:
    rows = [{"sensor": "EMIT", "oa": 0.5}, {"sensor": "EMIT", "oa": 0.7}, {"sensor": "CASI", "oa": 0.9}]
    assert cells(figures.minerals(rows))[1:] == [
        ["CASI", "1", "0.900", "0.900"],
        ["EMIT", "2", "0.600", "0.500"],
        ["all", "3", "0.700", "0.500"],
    ]


def test_answers_are_means_over_scenes_and_what_was_not_measured_is_empty() -> None:
    budgets = ("0", "1", "2", "3", "5", "10")
    ours = {name: [{budget: [oa, 0, 0] for budget in budgets}] for name, oa in A_AND_B}
    theirs = {"a": [{budget: [0.5, 0, 0] for budget in budgets[1:]}]}
    made = cells(figures.answers({"methods": {"answers": ours, "SVM": theirs}}))
    assert made[1] == ["names and answers", *["0.400"] * 5]
    assert made[2] == ["SVM, as many random labels of all", "", *["0.500"] * 4]


def test_a_scene_without_more_questions_stays_where_it_was() -> None:
    short, whole = [{"0": [0.2, 0, 0], "1": [0.4, 0, 0]}], [{str(n): [0.8, 0, 0] for n in range(11)}]
    made = cells(figures.answers({"methods": {"answers": {"a": short, "b": whole}}}))
    assert made[1] == ["names and answers", "0.500", *["0.600"] * 4]


def test_drawn_constants_are_told_beside_those_that_were_chosen() -> None:
    found = {"draws": {"accuracy": [[0.6, 0.8], [0.4, 0.6], [0.7, 0.5]], "chosen": [2, 0]}}
    assert [row[1] for row in cells(figures.draws(found))[1:]] == ["0.700", "0.550 ± 0.071", "0.750"]


def test_seconds_of_answers_are_told_by_size() -> None:
    seconds = {"questions": 0.2, "maps": 1.0}
    rows = [{"size": [3, 4, 5], "what": what, "cpu_s": 9, "clock_s": clock} for what, clock in seconds.items()]
    assert cells(figures.answers_speed(rows))[1] == ["3 x 4 x 5", "0.2", "1.0"]


def test_a_second_teacher_is_told_with_the_scene_that_loses_most() -> None:
    rows = [{"scene": s, "kind": "60 %", "first": 0.5, "second": 0.4, "fused": fused} for s, fused in A_AND_B]
    assert cells(figures.fusion({"rows": rows}))[1] == ["60 %", "0.500", "0.400", "0.400", "-0.100", "-0.300"]


def test_what_a_second_teacher_adds_is_told_after_every_step() -> None:
    rows = [
        {"step": step, "scene": s, "kind": "60 %", "first": 0.5, "second": 0.4, "fused": fused + more}
        for step, more in (("pseudo", 0.0), ("refine", 0.2))
        for s, fused in A_AND_B
    ]
    assert cells(figures.fusion_by_step({"rows": rows}))[1] == ["60 %", "-0.100", "+0.100"]


def test_classifiers_are_told_by_split_by_scene_and_by_difference() -> None:
    accuracy = {"s3fn": 0.7, "s3fn, names": 0.6}
    results = {
        f"{scene}/{row}/{split}/{seed}": {"oa": oa + seed / 10, "aa": oa, "kappa": oa, "seconds": 3}
        for row, oa in accuracy.items()
        for scene in "ab"
        for split in ("random", "disjoint")
        for seed in (0, 1)
    }
    assert cells(figures.classifiers(results))[1] == ["s3fn", *["0.750", "0.700", "0.700"] * 2, "3"]
    assert cells(figures.classifiers_by_scene(results))[1] == ["a", "0.750 / 0.750"]
    assert cells(figures.differences(results))[1] == ["s3fn, less s3fn, names", *["+0.100 ± 0.000"] * 2]


def test_classifiers_from_names_stand_beside_the_pseudo_labels() -> None:
    rows = [{"scene": name, "oa": oa, "steps": {"pseudo": {"oa": 0.1}}} for name, oa in A_AND_B]
    made = cells(figures.from_names(rows, rows))
    assert made == [
        ["", "a", "b", "mean"],
        ["pseudo-labels", "0.100", "0.100", "0.100"],
        *[[name, "0.200", "0.600", "0.400"] for name in ("s3fn", "aligned")],
    ]


def test_times_are_the_best_and_the_scan_stands_beside_the_other_one() -> None:
    assert cells(figures.labelling([{"scene": "9 x 9 x 9", "seconds": [31, 25.4], "gigabytes": 1.44}]))[1] == [
        *("9 x 9 x 9", "25", "1.4"),
    ]
    side = {"seconds": [0.1, 0.2, 0.3], "nanoseconds per number": 0.94, "gigabytes": 0.18}
    slow = {**side, "seconds": [1.0, 4.0, 3.0], "gigabytes": 4.26}
    made = figures.scan({"last": "tokens", "sides": {"cpu": side, "mambapy": slow}})
    assert cells(made)[1] == ["tokens", "200", "3000", "10 (10-20)", "0.9", "0.18, 4.26"]


def test_a_record_reads_back_and_names_no_place_of_a_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = tmp_path / "x.json"
    folder = tmp_path / "scenes"
    monkeypatch.setattr(sys, "argv", [str(tmp_path / "x.py"), str(folder), "--json", str(kept), "--", "--clip", "none"])
    record.write(kept, {"a": [1, 2]})
    assert record.read(kept) == {"a": [1, 2]}
    written = json.loads(kept.read_text(encoding="utf-8"))
    assert written["command"] == "python benchmarks/x.py scenes -- --clip none"
    assert str(tmp_path) not in kept.read_text(encoding="utf-8")
    assert set(KEPT) == set(written)


def test_figures_of_earlier_versions_are_read_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "bare.json").write_text('[{"oa": 1}]', encoding="utf-8")
    assert record.read(tmp_path / "bare.json") == [{"oa": 1}]


def test_the_tool_leaves_pages_that_are_as_they_should_be(tmp_path: Path) -> None:
    tool = doc_pages.ROOT / "docs" / "tools" / "tables.py"
    before = {path: path.read_bytes() for path, _ in tables.pages()}
    subprocess.run([sys.executable, tool], check=True, cwd=tmp_path)
    assert {path: path.read_bytes() for path in before} == before

"""Which scenes a batch has: every form of a list, and what is wrong with one said in a line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from special.cluster.scene_lists import Columns, Entry, read_scenes
from special.errors import BatchError

COLUMNS = Columns(["classes", "wavelengths", "labels", "labels_key", "reject"], ["classes", "labels"], ["labels"])


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("a.mat", "b.mat", "c.hdr", "c.img", "classes.txt", "p.gpkg", "q.gpkg"):
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def read(*arguments: str | Path, **options: str | None) -> list[Entry]:
    return read_scenes(arguments, COLUMNS, **options)


def names(entries: list[Entry]) -> list[str]:
    return [entry.name for entry in entries]


def manifest(folder: Path, *lines: str) -> Path:
    path = folder / "manifest.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_files_and_globs_in_their_order(here: Path) -> None:
    assert names(read("b.mat", "a*.mat")) == ["b", "a"]


def test_of_an_envi_pair_that_a_glob_finds_the_header_alone(here: Path) -> None:
    assert [entry.scene.name for entry in read("c.*")] == ["c.hdr"]


def test_a_scene_that_is_not_there_is_listed_all_the_same(here: Path) -> None:
    assert names(read("a.mat", "gone.mat")) == ["a", "gone"]


def test_a_glob_that_matches_nothing_is_refused(here: Path) -> None:
    with pytest.raises(BatchError, match=r"no file matches 'x\*\.mat'"):
        read("x*.mat")


def test_a_list_is_relative_to_its_folder(here: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (here / "list.txt").write_text("# lines of June\nb.mat\n\na*.mat\n")
    monkeypatch.chdir("/")
    assert [entry.scene for entry in read(here / "list.txt")] == [here / "b.mat", here / "a.mat"]


def test_a_text_is_a_scene_where_a_reader_is_named(here: Path) -> None:
    (here / "list.txt").write_text("whatever")
    assert [entry.scene.name for entry in read_scenes(["list.txt"], COLUMNS, lists=False)] == ["list.txt"]


def test_a_manifest_has_an_option_a_column(here: Path) -> None:
    path = manifest(here, "scene,Classes,labels,labels-key,warmup.epochs", "a.mat,classes.txt,p.gpkg;q.gpkg,kind,3")
    (entry,) = read(path)
    assert entry.scene == here / "a.mat" and entry.origin == f"{path}, line 2"
    assert entry.options == {
        "classes": str(here / "classes.txt"),
        "labels": f"{here / 'p.gpkg'};{here / 'q.gpkg'}",
        "labels_key": "kind",
        "warmup.epochs": "3",
    }


def test_empty_cells_and_rows_say_nothing(here: Path) -> None:
    (entry,) = read(manifest(here, "scene,classes,reject", "a.mat,,0.5", ",,", ""))
    assert entry.options == {"reject": "0.5"}


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_a_manifest_of_a_spreadsheet(here: Path, delimiter: str) -> None:
    (entry,) = read(manifest(here, "\ufeffscene;reject".replace(";", delimiter), f"a.mat{delimiter}0.5"))
    assert entry.options == {"reject": "0.5"}


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (
            ["scene,wavelenghts", "a.mat,1"],
            "a column 'wavelenghts', which no scene can be told: did you mean wavelengths?",
        ),
        (["classes", "c.txt"], "no column scene"),
        (["scene,reject,reject", "a.mat,1,2"], "two columns 'reject'"),
        (["scene,reject", "a.mat,1,2"], "line 2: 3 cells below 2 headings"),
        (["scene,reject", ",0.5"], "line 2: the column scene is empty"),
        (["scene,name", "a.mat,../x"], "'../x' cannot be the name of a folder"),
    ],
)
def test_what_is_wrong_with_a_manifest(here: Path, lines: list[str], said: str) -> None:
    with pytest.raises(BatchError) as caught:
        read(manifest(here, *lines))
    assert said in str(caught.value)


def test_two_scenes_of_one_stem_are_refused_and_names_mend_it(here: Path) -> None:
    (here / "other").mkdir()
    (here / "other" / "A.npy").touch()
    with pytest.raises(BatchError, match=r"two scenes are called A: a\.mat and other.A\.npy; name them apart"):
        read("a.mat", "other/A.npy")
    assert names(read(manifest(here, "scene,name", "a.mat,first", "other/A.npy,second"))) == ["first", "second"]


def items(folder: Path, *assets: dict) -> Path:
    features = [{"type": "Feature", "id": f"line {n}", "assets": one} for n, one in enumerate(assets)]
    (folder / "items.json").write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return folder / "items.json"


def test_the_scenes_of_stac_items(here: Path) -> None:
    data = {"cube": {"href": "./a.mat", "roles": ["data"]}, "thumbnail": {"href": "t.png"}}
    first, second = read(items(here, data, {"cube": {"href": (here / "b.mat").as_uri()}}))
    assert (first.name, first.scene.resolve()) == ("line_0", here / "a.mat")
    assert (second.name, second.scene) == ("line_1", here / "b.mat")


def test_several_assets_are_asked_about_and_one_can_be_named(here: Path) -> None:
    path = items(here, {"red": {"href": "a.mat", "roles": ["data"]}, "blue": {"href": "b.mat", "roles": ["data"]}})
    assert "red, blue; say which is the scene with --asset NAME" in read(path)[0].flaw
    assert read(path, asset="blue")[0].scene == here / "b.mat"


def test_an_asset_on_the_network_is_that_scene_s_flaw(here: Path) -> None:
    (entry,) = read(items(here, {"cube": {"href": "https://example.org/a.mat"}}))
    assert "is on the network: fetch it" in entry.flaw


def test_other_json_is_refused(here: Path) -> None:
    (here / "items.json").write_text('{"type": "FeatureCollection", "features": [{"type": "Feature"}]}')
    with pytest.raises(BatchError, match="is no STAC item collection"):
        read("items.json")


@pytest.mark.parametrize("name", ["list.txt", "table.csv"])
def test_a_list_with_null_bytes_is_refused(here: Path, name: str) -> None:
    (here / name).write_bytes(b"scene\na\0.mat\n")
    with pytest.raises(BatchError, match=r"cannot be read as a list of scenes .*null byte"):
        read(here / name)


def test_an_asset_with_a_null_byte_is_that_scene_s_flaw(here: Path) -> None:
    (entry,) = read(items(here, {"cube": {"href": "a\0.mat"}}))
    assert "null byte" in entry.flaw


def test_an_empty_list_is_refused(here: Path) -> None:
    (here / "list.txt").write_text("# nothing\n")
    with pytest.raises(BatchError, match="there is no scene"):
        read("list.txt")

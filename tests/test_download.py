"""Downloads that stand still, break off, drip, or bring the wrong file."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import hub_server
import pytest
from hub_server import HubServer

from special import download as downloads
from special.download import Remote, Unavailable, checksum_of, download
from special.progress import Progress

CONTENT = bytes(range(256)) * 40
NAME = "some/repo/file.bin"


@pytest.fixture
def hub() -> Iterator[HubServer]:
    with hub_server.serving() as server:
        server.files[NAME] = CONTENT
        yield server


class Told(Progress):
    """Counts what it is told."""

    def __init__(self) -> None:
        self.arrived = 0

    def advance(self, steps: int = 1, **figures: float) -> None:
        self.arrived += steps


def remote(hub: HubServer, checksum: str | None = None) -> Remote:
    return Remote(f"{hub.url}/some/repo/resolve/main/file.bin", len(CONTENT), checksum)


def test_a_file_arrives_whole_and_is_counted_once(hub: HubServer, tmp_path: Path) -> None:
    told = Told()
    path = download(remote(hub, hashlib.sha256(CONTENT).hexdigest()), tmp_path / "file.bin", told)
    assert path.read_bytes() == CONTENT
    assert told.arrived == len(CONTENT)
    assert [one.name for one in tmp_path.iterdir()] == ["file.bin"]


def test_a_connection_that_breaks_is_gone_on_with_where_it_broke(hub: HubServer, tmp_path: Path) -> None:
    hub.breaks_after = [1000, 2000]
    told = Told()
    assert download(remote(hub), tmp_path / "file.bin", told).read_bytes() == CONTENT
    assert hub.bodies() == ["", "bytes=1000-", "bytes=3000-"]
    assert told.arrived == len(CONTENT)


def test_a_later_attempt_goes_on_with_what_an_earlier_one_has_left(hub: HubServer, tmp_path: Path) -> None:
    (tmp_path / "file.bin.incomplete").write_bytes(CONTENT[:3000])
    told = Told()
    assert download(remote(hub), tmp_path / "file.bin", told).read_bytes() == CONTENT
    assert hub.bodies() == ["bytes=3000-"]
    assert told.arrived == len(CONTENT)


def test_a_server_that_cannot_go_on_is_asked_for_the_whole(hub: HubServer, tmp_path: Path) -> None:
    hub.goes_on = False
    (tmp_path / "file.bin.incomplete").write_bytes(b"x" * 3000)
    told = Told()
    assert download(remote(hub), tmp_path / "file.bin", told).read_bytes() == CONTENT
    assert told.arrived == len(CONTENT)


def test_one_that_stands_still_is_given_up_and_leaves_what_came(
    hub: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(downloads, "STALL_SECONDS", 0.1)
    hub.stalls_after = 1000
    with pytest.raises(Unavailable, match="nothing came within") as caught:
        download(remote(hub), tmp_path / "file.bin")
    assert caught.value.passing
    left = tmp_path / "file.bin.incomplete"
    assert left.read_bytes() == CONTENT[: len(left.read_bytes())]
    hub.stalls_after = None
    assert download(remote(hub), tmp_path / "file.bin").read_bytes() == CONTENT


def test_one_that_drips_is_alive_as_long_as_the_file_grows(
    hub: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(downloads, "STALL_SECONDS", 0.4)  # less than the whole takes, more than a pause
    hub.drips = 700
    assert download(remote(hub), tmp_path / "file.bin").read_bytes() == CONTENT
    assert hub.bodies() == [""]


@pytest.mark.parametrize("kind", ["sha256", "git"])
def test_another_file_than_was_published_is_not_kept(hub: HubServer, tmp_path: Path, kind: str) -> None:
    wrong = hashlib.sha256(b"other").hexdigest() if kind == "sha256" else hashlib.sha1(b"other").hexdigest()
    with pytest.raises(Unavailable, match=rf"expected {wrong[:12]}\.\.\.: it is not what was published"):
        download(remote(hub, wrong), tmp_path / "file.bin")
    assert list(tmp_path.iterdir()) == []


def test_git_s_own_hash_of_a_file_is_that_of_its_blob(tmp_path: Path) -> None:
    path = tmp_path / "hello"
    path.write_bytes(b"hello\n")
    assert checksum_of(path, "0" * 40) == "ce013625030ba8dba906f756967f9e9ca394464a"  # git hash-object


def test_a_refusal_says_who_refused_and_is_no_fault_of_the_network(hub: HubServer, tmp_path: Path) -> None:
    hub.refused["some/repo"] = (403, "")
    with pytest.raises(Unavailable, match=r"127\.0\.0\.1:\d+ answers 403") as caught:
        download(remote(hub), tmp_path / "file.bin")
    assert not caught.value.passing


def test_a_server_that_is_not_there_says_so(tmp_path: Path) -> None:
    with hub_server.serving() as gone:
        url = gone.url
    with pytest.raises(Unavailable) as caught:
        download(Remote(f"{url}/file"), tmp_path / "file.bin")
    assert caught.value.passing
    assert str(caught.value)

"""Cached columns: what is read back is what was read, whatever happened to the file, the folder or the source."""

from __future__ import annotations

import logging
import os
import pickle
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, Callable, Optional

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmpose_mix.annotations import cache, column_file
from mmpose_mix.annotations.cache import cache_folder, cached_persons, is_cached
from mmpose_mix.annotations.coco_json import CocoFile, read_coco_json
from mmpose_mix.annotations.column_file import ColumnFile, ColumnFileError, write_columns
from mmpose_mix.annotations.persons import PersonTable, columns_of, table_of
from tests.annotations.conftest import coco_image, coco_person

READING = {"reader": "test", "version": 1}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The cache folder of one test; nothing is told yet."""
    monkeypatch.setenv("MMPOSE_MIX_CACHE", str(tmp_path / "kept"))
    monkeypatch.setattr(cache, "_told", set())
    return tmp_path / "kept"


@pytest.fixture
def source(write_coco: Callable[..., Path]) -> Path:
    """Three persons in two images; one is a crowd with an outline."""
    outline = {"segmentation": [[1, 1, 2, 2, 3, 1]], "iscrowd": 1}
    persons = [coco_person(1, 2), coco_person(2, 1, num_keypoints=2, area=7.5), coco_person(3, 2, **outline)]
    images = [coco_image(1), coco_image(2, file_name="ü/zwei.jpg", crowdIndex=0.25)]
    return write_coco(images, persons, categories=[{"id": 1, "keypoints": ["a", "b", "c"]}])


class Reader:
    """Reads a COCO file with all that can be asked for, and counts how often."""

    def __init__(self, path: Path, extras: Optional[dict[str, np.ndarray]] = None) -> None:
        self.path, self.calls, self.extras = path, 0, extras or {}

    def __call__(self) -> CocoFile:
        self.calls += 1
        file = read_coco_json(self.path, with_outlines=True, with_raw=True)
        return replace(file, instances=replace(file.instances, extras=self.extras))

    def persons(self, **options: Any) -> PersonTable:
        return cached_persons([self.path], options.pop("reading", READING), self, **options)


def entries(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.columns"))


def same(one: PersonTable, other: PersonTable) -> bool:
    columns, others = columns_of(one), columns_of(other)
    equal = columns.keys() == others.keys() and all(
        values.dtype == others[name].dtype and np.array_equal(values, others[name], equal_nan=values.dtype.kind == "f")
        for name, values in columns.items()
    )
    return equal and (one.num_annotations, one.categories) == (other.num_annotations, other.categories)


class TestRoundTrip:
    def test_every_kind_of_column_comes_back(self, source: Path) -> None:
        extras = {"scale": np.array([1.5, 2, 3]), "hand.type": np.arange(6, dtype=np.float32).reshape(3, 2)}
        reader = Reader(source, extras)
        first, again = reader.persons(), reader.persons()
        assert reader.calls == 1
        assert first.origin is not None
        assert again.origin is not None
        assert same(first, again)
        assert same(again, PersonTable.of(reader()))
        assert set(again.extras) == {"scale", "hand.type"}
        assert again.images.file_name[1].decode() == "ü/zwei.jpg"
        assert again.raw_annotation(2)["segmentation"] == [[1, 1, 2, 2, 3, 1]]
        assert [again.outlines[row] for row in range(3)] == [b"", b"", b"[[1, 1, 2, 2, 3, 1]]"]
        assert again.trainable.tolist() == [0, 1]

    def test_a_file_without_persons_comes_back(self, write_coco: Callable[..., Path]) -> None:
        reader = Reader(write_coco([coco_image(1)], []))
        reader.persons()
        again = reader.persons()
        assert (reader.calls, len(again), len(again.images)) == (1, 0, 1)

    def test_nothing_mapped_can_be_written_to(self, source: Path) -> None:
        Reader(source).persons()
        for column in columns_of(Reader(source).persons()).values():
            assert not column.flags.writeable
            with pytest.raises(ValueError, match=r"WRITEABLE|writeable"):
                column.flags.writeable = True

    def test_flags_between_zero_and_one_keep_their_value(self, write_coco: Callable[..., Path]) -> None:
        person = coco_person(1, 1, keypoints=[1, 1, 0.5, 2, 2, 2, 3, 3, 0])
        reader = Reader(write_coco([coco_image(1)], [person]))
        reader.persons()
        assert reader.persons().keypoints_visible.tolist() == [[0.5, 1, 0]]

    @pytest.mark.parametrize("dtype", ["bool", "uint8", "int16", "int32", "int64", "float16", "float32", "float64"])
    @pytest.mark.parametrize("shape", [(0,), (1,), (3, 5), (2, 0), ()])
    def test_columns_of_any_type_and_shape(self, tmp_path: Path, dtype: str, shape: tuple[int, ...]) -> None:
        column = np.arange(np.prod(shape, dtype=int)).reshape(shape).astype(dtype)
        write_columns(tmp_path / "a.columns", {"x": [1, None, "é"]}, {"one": column, "two": column[..., None]})
        file = ColumnFile(tmp_path / "a.columns")
        assert file.head == {"x": [1, None, "é"]}
        assert file.columns["one"].dtype == column.dtype
        assert np.array_equal(file.columns["one"], column)
        assert file.columns["two"].shape == (*shape, 1)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, bytes, PersonTable]:
    """A column file, its bytes and what is in it."""
    folder = tmp_path_factory.mktemp("damage")
    source = folder / "persons.json"
    source.write_text(
        '{"images": [{"id": 1, "file_name": "a.jpg", "width": 9, "height": 9}], "annotations": [{"id": 1, '
        '"image_id": 1, "category_id": 1, "bbox": [1, 1, 5, 5], "keypoints": [1, 2, 2, 3, 4, 1]}]}'
    )
    table = PersonTable.of(read_coco_json(source, with_raw=True))
    path = folder / "a.columns"
    write_columns(path, {"num_annotations": 1, "categories": None}, columns_of(table))
    return path, path.read_bytes(), table


class TestDamage:
    @given(data=st.data())
    @settings(max_examples=300, deadline=None)
    def test_no_changed_byte_gives_wrong_data(
        self, whole: tuple[Path, bytes, PersonTable], data: st.DataObject
    ) -> None:
        path, content, table = whole
        place = data.draw(st.integers(0, len(content) - 1))
        value = data.draw(st.integers(0, 255).filter(lambda value: value != content[place]))
        path.write_bytes(content[:place] + bytes([value]) + content[place + 1 :])
        try:
            read = table_of(ColumnFile(path))
        except ColumnFileError:
            return
        assert same(read, table), "only the bytes between two columns may change unseen"

    @given(data=st.data())
    @settings(max_examples=100, deadline=None)
    def test_no_other_length_is_taken(self, whole: tuple[Path, bytes, PersonTable], data: st.DataObject) -> None:
        path, content, _ = whole
        length = data.draw(st.integers(0, len(content) + 200).filter(lambda length: length != len(content)))
        path.write_bytes(content[:length].ljust(length, b"\0"))
        with pytest.raises(ColumnFileError):
            ColumnFile(path)

    @pytest.mark.parametrize(
        ("name", "change"),
        [
            ("image_row", lambda rows: rows + 1),
            ("trainable", lambda rows: rows - 1),
            ("images.file_name.ends", lambda ends: ends + 10**9),
            ("raw.ends", lambda ends: -ends),
            ("keypoints", lambda points: points.astype(np.float64)),
            ("area", lambda area: area[:0]),
            ("bbox_xyxy", lambda box: box[:, :3]),
        ],
    )
    def test_rows_and_types_that_cannot_be_are_refused_though_all_sums_are_right(
        self, whole: tuple[Path, bytes, PersonTable], tmp_path: Path, name: str, change: Callable[..., np.ndarray]
    ) -> None:
        columns = columns_of(whole[2])
        columns[name] = change(columns[name])
        write_columns(tmp_path / "b.columns", {"num_annotations": 1, "categories": None}, columns)
        with pytest.raises(ColumnFileError, match=name.split(".")[0]):
            table_of(ColumnFile(tmp_path / "b.columns"))

    @pytest.mark.parametrize("content", [b"", b"MMPMIX\x01\n", b"another file, quite another one" * 9])
    def test_a_foreign_file_is_replaced_with_one_line_in_the_log(
        self, source: Path, folder: Path, caplog: pytest.LogCaptureFixture, content: bytes
    ) -> None:
        reader = Reader(source)
        reader.persons()
        (entry,) = entries(folder)
        entry.write_bytes(content)
        with caplog.at_level(logging.INFO):
            assert same(reader.persons(), PersonTable.of(Reader(source)()))
        (line,) = {record.getMessage() for record in caplog.records}
        assert line.startswith(str(entry))
        assert "are read anew" in line
        assert reader.calls == 2
        assert ColumnFile(entry).head["num_annotations"] == 3


class TestKey:
    def test_a_source_that_changed_is_read_anew_and_takes_the_same_place(self, source: Path, folder: Path) -> None:
        reader = Reader(source)
        before = reader.persons()
        source.write_text(source.read_text().replace('"area": 7.5', '"area": 8.5'))
        os.utime(source, ns=(1, 1))
        after = reader.persons()
        assert (before.area[0], after.area[0], reader.calls, len(entries(folder))) == (7.5, 8.5, 2, 1)

    def test_a_new_version_of_the_columns_or_the_reader_takes_the_place_of_the_old(
        self, source: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        reader = Reader(source)
        reader.persons()
        reader.persons(reading={**READING, "version": 2})
        monkeypatch.setattr(cache, "VERSION", cache.VERSION + 1)
        reader.persons(reading={**READING, "version": 2})
        assert (reader.calls, len(entries(folder))) == (3, 1)

    def test_other_arguments_of_the_reader_have_their_own_place(self, source: Path, folder: Path) -> None:
        reader = Reader(source)
        for raw in (True, False, True, False):
            reader.persons(reading={**READING, "raw": raw})
        assert (reader.calls, len(entries(folder))) == (2, 2)

    def test_a_file_beside_that_changed_counts_as_well(self, source: Path, tmp_path: Path) -> None:
        beside = tmp_path / "cameras.json"
        reader = Reader(source)
        for text in ("1", "1", "22"):
            if not beside.exists() or beside.read_text() != text:
                beside.write_text(text)
            cached_persons([source, beside], READING, reader)
        assert reader.calls == 2

    @pytest.mark.parametrize("way", ["argument", "variable"])
    def test_by_content_a_touched_file_is_the_same_and_a_changed_one_is_not(
        self, source: Path, monkeypatch: pytest.MonkeyPatch, way: str
    ) -> None:
        options = {"key_by": "content"} if way == "argument" else {}
        if way == "variable":
            monkeypatch.setenv("MMPOSE_MIX_CACHE_KEY", "content")
        reader = Reader(source)
        reader.persons(**options)
        os.utime(source, ns=(5, 5))
        reader.persons(**options)
        assert reader.calls == 1
        source.write_text(source.read_text().replace('"area": 7.5', '"area": 8.5'))
        os.utime(source, ns=(5, 5))
        assert reader.persons(**options).area[0] == 8.5

    def test_another_key_is_refused_by_its_words(self, source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        with pytest.raises(ValueError, match="key_by='hash'; allowed are 'stat' and 'content'"):
            Reader(source).persons(key_by="hash")
        monkeypatch.setenv("MMPOSE_MIX_CACHE_KEY", "size")
        with pytest.raises(ValueError, match="MMPOSE_MIX_CACHE_KEY='size'; allowed are"):
            Reader(source).persons()

    def test_a_source_that_changes_while_it_is_read_is_not_kept(self, source: Path, folder: Path) -> None:
        reader = Reader(source)

        def reading() -> CocoFile:
            file = reader()
            os.utime(source, ns=(9, 9))
            return file

        assert cached_persons([source], READING, reading).origin is None
        assert entries(folder) == []

    def test_what_the_reader_refuses_is_refused_and_nothing_is_kept(self, tmp_path: Path, folder: Path) -> None:
        with pytest.raises(FileNotFoundError, match="There is no file"):
            Reader(tmp_path / "absent.json").persons()
        (tmp_path / "broken.json").write_text("{")
        with pytest.raises(ValueError, match="truncated"):
            Reader(tmp_path / "broken.json").persons()
        assert entries(folder) == []


class TestFolder:
    @pytest.mark.parametrize("value", ["", "off", " OFF "])
    def test_nothing_is_written_when_it_is_off(
        self, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str
    ) -> None:
        monkeypatch.setenv("MMPOSE_MIX_CACHE", value)
        monkeypatch.chdir(tmp_path)
        before = set(tmp_path.rglob("*"))
        assert cache_folder() is None
        assert Reader(source).persons().origin is None
        assert set(tmp_path.rglob("*")) == before

    def test_by_default_it_lies_among_the_users_caches(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("MMPOSE_MIX_CACHE")
        monkeypatch.setenv("XDG_CACHE_HOME", "/elsewhere")
        assert cache_folder() == Path("/elsewhere/mmpose_mix")
        monkeypatch.delenv("XDG_CACHE_HOME")
        monkeypatch.setenv("HOME", "/home/me")
        assert cache_folder() == Path("/home/me/.cache/mmpose_mix")

    def test_others_cannot_read_it(self, source: Path, folder: Path) -> None:
        Reader(source).persons()
        assert folder.stat().st_mode & 0o777 == 0o700

    def test_a_folder_that_cannot_be_made_means_memory_and_one_line_in_the_log(
        self, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        (tmp_path / "file").write_text("")
        monkeypatch.setenv("MMPOSE_MIX_CACHE", str(tmp_path / "file" / "below"))
        for _ in range(2):
            assert Reader(source).persons().origin is None
        (record,) = caplog.records
        assert "kept in memory, not in the cache folder" in record.getMessage()

    def test_a_full_disk_means_memory_and_leaves_nothing_behind(
        self, source: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        def full(*_: Any) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(column_file.os, "replace", full)
        assert Reader(source).persons().origin is None
        assert not any(folder.glob("*.columns"))
        assert not any(folder.glob(".writing-*"))
        assert "No space left on device" in caplog.text

    def test_what_a_killed_writer_left_is_removed_after_a_day(self, source: Path, folder: Path) -> None:
        folder.mkdir()
        old, new = folder / ".writing-old", folder / ".writing-new"
        old.write_text("")
        new.write_text("")
        os.utime(old, (0, 0))
        Reader(source).persons()
        assert (old.exists(), new.exists()) == (False, True)

    @pytest.mark.parametrize("days", [29, 31])
    def test_an_entry_without_its_annotation_file_is_removed_after_thirty_days(
        self, source: Path, folder: Path, tmp_path: Path, days: int
    ) -> None:
        gone = shutil.copy(source, tmp_path / "gone.json")
        Reader(gone).persons()
        (entry,) = entries(folder)
        os.unlink(gone)
        made_days_ago(days, entry)
        Reader(source).persons()
        assert [entry.exists(), entry.with_suffix(".lock").exists()] == [days == 29] * 2
        assert len(entries(folder)) == 1 + (days == 29)

    def test_old_entries_stay_whose_file_is_there_or_remote_and_what_is_no_entry(
        self, source: Path, folder: Path, tmp_path: Path
    ) -> None:
        other = shutil.copy(source, tmp_path / "other.json")
        Reader(other).persons()
        Reader(other).persons(name="s3://bucket/persons.json", key_by="content")
        for name, content in (("foreign.columns", b"?"), ("notes.txt", b"")):
            (folder / name).write_bytes(content)
        write_columns(folder / "keyless.columns", {"key": None}, {})
        before = set(folder.iterdir())
        made_days_ago(400, *before)
        Reader(source).persons()
        assert before <= set(folder.iterdir())

    def test_a_lock_without_an_entry_is_removed_after_thirty_days_unless_it_is_in_use(
        self, source: Path, folder: Path
    ) -> None:
        Reader(source).persons()
        (entry,) = entries(folder)
        own, old, young = (entry.with_suffix(".lock"), folder / "old.lock", folder / "young.lock")
        entry.unlink()
        old.touch()
        young.touch()
        made_days_ago(31, own, old)
        made_days_ago(29, young)
        Reader(source).persons()
        assert [lock.exists() for lock in (own, old, young)] == [True, False, True]


def made_days_ago(days: float, *files: Path) -> None:
    for file in files:
        os.utime(file, (time.time() - days * 86400,) * 2)


class TestIsCached:
    def test_it_is_what_the_next_call_finds(self, source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        assert not is_cached([source], READING)
        Reader(source).persons()
        assert is_cached([source], READING)
        assert not is_cached([source], {**READING, "version": 2})
        assert not is_cached([source, source.parent / "absent.json"], READING)
        monkeypatch.setenv("MMPOSE_MIX_CACHE_KEY", "content")
        assert not is_cached([source], READING)

    def test_it_is_not_after_a_change_nor_where_the_cache_is_off_or_damaged(
        self, source: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        Reader(source).persons()
        os.utime(source, ns=(1, 1))
        assert not is_cached([source], READING)
        Reader(source).persons()
        assert is_cached([source], READING)
        monkeypatch.setenv("MMPOSE_MIX_CACHE", "off")
        assert not is_cached([source], READING)
        monkeypatch.setenv("MMPOSE_MIX_CACHE", str(folder))
        entries(folder)[0].write_bytes(b"?")
        assert not is_cached([source], READING)


TELL = """
import sys
from mmpose_mix.annotations.cache import cached_persons
from mmpose_mix.annotations.coco_json import read_coco_json

calls = []

def read():
    calls.append(1)
    return read_coco_json(sys.argv[1])

sys.stdin.readline()
table = cached_persons([sys.argv[1]], {"reader": "test", "version": 1}, read)
print(len(calls), table.origin is not None, table.area.tolist()[0], table.origin.identity)
"""


def test_of_processes_that_start_at_once_one_reads_and_all_map_the_same_file(source: Path, folder: Path) -> None:
    command = [sys.executable, "-c", TELL, str(source)]
    pipe = subprocess.PIPE
    started = [subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) for _ in range(4)]
    for process in started:
        process.stdin.write("\n")  # type: ignore[union-attr]
        process.stdin.flush()  # type: ignore[union-attr]
    said = [process.communicate()[0].split() for process in started]
    assert sorted(words[0] for words in said) == ["0", "0", "0", "1"]
    assert len({tuple(words[1:]) for words in said}) == 1
    assert [words[1:3] for words in said] == [["True", "7.5"]] * 4
    assert len(entries(folder)) == 1
    assert not any(folder.glob(".writing-*"))


def test_who_waits_too_long_for_another_reader_reads_as_well(
    source: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fcntl = pytest.importorskip("fcntl")
    reader = Reader(source)
    reader.persons()
    (entry,) = entries(folder)
    entry.unlink()
    monkeypatch.setattr(cache, "LONGEST_WAIT", 0.1)
    with open(entry.with_suffix(".lock"), "ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert reader.persons().origin is not None
    assert reader.calls == 2


class TestPickles:
    @pytest.fixture
    def mapped(self, source: Path) -> PersonTable:
        return Reader(source).persons()

    def test_a_mapped_table_is_pickled_as_the_way_to_its_file(self, mapped: PersonTable) -> None:
        text = pickle.dumps(mapped)
        assert len(text) < 500
        again = pickle.loads(text)
        assert same(again, mapped)
        assert again.origin is not None

    def test_a_table_whose_file_was_removed_is_pickled_by_value(self, mapped: PersonTable, folder: Path) -> None:
        entries(folder)[0].unlink()
        again = pickle.loads(pickle.dumps(mapped))
        assert again.origin is None
        assert same(again, mapped)
        assert not again.keypoints.flags.writeable

    def test_a_table_whose_file_was_replaced_is_pickled_by_value(self, mapped: PersonTable, source: Path) -> None:
        os.utime(source, ns=(3, 3))
        Reader(source).persons()
        assert pickle.loads(pickle.dumps(mapped)).origin is None

    @pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="another process's files are reached on Linux alone")
    @pytest.mark.parametrize("then", ["removed", "replaced"])
    def test_a_file_that_is_gone_after_pickling_is_reached_through_its_holder(
        self, mapped: PersonTable, folder: Path, then: str
    ) -> None:
        text = pickle.dumps(mapped)
        entries(folder)[0].unlink()
        if then == "replaced":
            entry = Path(mapped.origin.path)  # type: ignore[union-attr]
            write_columns(entry, {}, {"a": np.zeros(1)})
        assert same(pickle.loads(text), mapped)

    def test_a_file_that_is_gone_with_its_holder_is_an_error_that_says_what_to_do(
        self, mapped: PersonTable, folder: Path
    ) -> None:
        assert mapped.origin is not None
        path, identity, _ = mapped.origin.handle()
        entries(folder)[0].unlink()
        with pytest.raises(FileNotFoundError, match=r"removed or replaced while a process started.*Start again"):
            column_file.file_of_handle(path, identity, "/proc/0/fd/0")

    def test_a_table_in_memory_is_pickled_by_value(self, source: Path) -> None:
        table = PersonTable.of(Reader(source)())
        assert same(pickle.loads(pickle.dumps(table)), table)

"""Whatever happens to its files, a store never gives a wrong answer: right, made anew, or an error that condemns it."""

from __future__ import annotations

import random
import shutil
import struct
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from streams.engine import EngineSettings
from streams.engine.errors import StoreBusy, StoreError
from streams.engine.store import Mark, Store, Stores
from streams.store_manifest import why_unreadable

_PREFIX = b"payments\x00"
_STEPS = 6
_KEYS = 3_000


class Damaged:
    """A sound store of several files, what its rows were at every mark, and a place to damage copies of it."""

    def __init__(self, folder: Path) -> None:
        settings = EngineSettings(
            client={"bootstrap.servers": "x"}, group_id="g", transactional_id="t", data_dir=folder, partitions=1
        )
        self.stores = Stores(settings)
        self.path = self.stores.path(0)
        self.rows_at: list[dict[bytes, bytes]] = [{}]
        self._sound = folder / "sound"
        store = self.stores.open(0)
        self._fill(store)
        store.close()
        shutil.copytree(self.path, self._sound)

    def _fill(self, store: Store) -> None:
        draw = random.Random(4)
        for step in range(1, _STEPS + 1):
            changes = {
                b"%s%05d" % (_PREFIX, draw.randrange(_KEYS)): None if draw.random() < 0.2 else draw.randbytes(100)
                for _ in range(1_000)
            }
            if step % 2:
                store.load(changes, {"topic": Mark("id", step)}, step)
            else:
                store.write(changes.items(), {"topic": Mark("id", step)}, step)
                store.flush()
            rows = {**self.rows_at[-1], **changes}
            self.rows_at.append({key: row for key, row in rows.items() if row is not None})

    def files(self) -> Iterator[tuple[str, int]]:
        """Names and sizes of all files but the log and the lock."""
        for path in sorted(self._sound.iterdir()):
            if not path.name.startswith("LO"):
                yield path.name, path.stat().st_size

    def copy_with(self, name: str, harm: Callable[[Path], None]) -> None:
        shutil.rmtree(self.path, ignore_errors=True)
        shutil.copytree(self._sound, self.path)
        harm(self.path / name)

    def answer(self) -> str:
        """What a reader of everything meets."""
        try:
            store = self.stores.open(0)
        except StoreBusy:
            return "held by nobody, but said to be"
        try:
            as_of = store.as_of_ms()
            if as_of is None:
                return "anew"
            mark = store.marks()["topic"]
            assert mark == Mark("id", as_of)
            rows = dict(store.scan(_PREFIX, _PREFIX))
            assert rows == self.rows_at[mark.offset]
            assert list(store.rows(_PREFIX)) == list(rows.values())
            assert all(store.get(key) == row for key, row in rows.items())
        except StoreError:
            assert (self.path / "condemned").exists()
            return "condemned"
        finally:
            with suppress(StoreError):  # one that is damaged may not close cleanly: it is condemned then
                store.close()
        return "right"


@pytest.fixture(scope="module")
def damaged(tmp_path_factory: pytest.TempPathFactory) -> Damaged:
    return Damaged(tmp_path_factory.mktemp("damaged"))


def _flip(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1 << at % 8
    path.write_bytes(data)


def _cut(path: Path, at: int) -> None:
    path.write_bytes(path.read_bytes()[:at])


def test_an_undamaged_store_is_right(damaged: Damaged) -> None:
    damaged.copy_with("CURRENT", lambda _: None)
    assert damaged.answer() == "right"


def test_a_flipped_bit_is_met_or_harmless_wherever_it_is(damaged: Damaged) -> None:
    draw, answers = random.Random(7), set()
    for name, size in damaged.files():
        for at in sorted(draw.sample(range(size), min(size, 12))):
            damaged.copy_with(name, lambda path, at=at: _flip(path, at))  # type: ignore[misc]  # bound in the loop
            answers.add((Path(name).suffix, damaged.answer()))
    assert (".sst", "condemned") in answers  # a block of rows: nobody knew before it was read
    assert ("", "anew") in answers  # CURRENT, MANIFEST


def test_a_file_that_is_cut_or_gone_is_met_or_harmless(damaged: Damaged) -> None:
    answers = set()
    for name, size in damaged.files():
        for at in {0, size // 3, size - 1} if size else ():
            damaged.copy_with(name, lambda path, at=at: _cut(path, at))  # type: ignore[misc]  # bound in the loop
            answers.add((Path(name).suffix, damaged.answer()))
        damaged.copy_with(name, Path.unlink)
        answers.add((Path(name).suffix, damaged.answer()))
    assert (".sst", "anew") in answers
    assert ("", "anew") in answers


def test_a_condemned_store_is_made_anew_when_it_is_next_opened(damaged: Damaged) -> None:
    table = next(name for name, _ in damaged.files() if name.endswith(".sst"))
    damaged.copy_with(table, lambda path: _flip(path, path.stat().st_size // 2))
    assert damaged.answer() == "condemned"
    assert damaged.answer() == "anew"


def test_a_record_type_that_nobody_writes_is_told_before_rocksdb_goes_round_and_round_over_it(damaged: Damaged) -> None:
    """Some of these keep RocksDB busy for ever, with the interpreter's lock in its hands."""
    name, size = next((name, size) for name, size in damaged.files() if name.startswith("MANIFEST"))
    damaged.copy_with(name, lambda _: None)
    sound, at = (damaged.path / name).read_bytes(), 0
    assert why_unreadable(damaged.path) == ""
    while at < size:
        length, kind = struct.unpack_from("<HB", sound, at + 4)
        for bit in range(8):
            (damaged.path / name).write_bytes(sound[: at + 6] + bytes([kind ^ 1 << bit]) + sound[at + 7 :])
            assert why_unreadable(damaged.path), (at, bit)
        at += 7 + length


def test_an_index_of_several_blocks_is_sound(tmp_path: Path) -> None:
    settings = EngineSettings(
        client={"bootstrap.servers": "x"}, group_id="g", transactional_id="t", data_dir=tmp_path, partitions=1
    )
    store = Stores(settings).open(0)
    (index,) = store.path.glob("MANIFEST-*")
    step = 0
    while index.stat().st_size < 70_000:
        step += 1
        store.write([(_PREFIX + bytes(4_000), b"row")], {"topic": Mark("id", step)}, step)
        store.flush()
        assert why_unreadable(store.path) == ""
    store.close()

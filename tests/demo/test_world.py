"""The demo's world: its own folder and nothing else, an empty cluster, one demo at a time."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas.records import Raw
from streams.demo.deadlines import environment
from streams.demo.errors import DemoError
from streams.demo.world import world
from streams.settings import KafkaSettings, Settings
from tests.conftest import Kafka
from tests.generation import PARTITIONS, example, new_generation


def nobody(_text: str) -> None:
    """Hears what is said."""


def test_a_folder_that_a_demo_did_not_make_is_not_wiped(tmp_path: Path) -> None:
    precious = tmp_path / "demo" / "precious.txt"
    precious.parent.mkdir()
    precious.write_text("mine", encoding="utf-8")
    with pytest.raises(DemoError, match="is not a demo's folder"), world(Settings(data_dir=tmp_path), nobody):
        pass
    assert precious.read_text(encoding="utf-8") == "mine"


def test_every_demo_begins_with_an_empty_folder(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    with world(settings, nobody) as here:
        (here.folder / "left over").write_text("old", encoding="utf-8")
    with world(settings, nobody) as here:
        assert here.folder == tmp_path / "demo"
        assert not (here.folder / "left over").exists()
        assert here.environment == {"PAYSTATE_DATA_DIR": str(tmp_path / "demo"), **environment()}


def test_a_second_demo_in_the_same_folder_is_refused_while_the_first_runs(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    with (
        world(settings, nobody),
        pytest.raises(DemoError, match="another demo runs"),
        world(settings, nobody),
    ):
        pass


@pytest.mark.kafka
def test_a_cluster_with_records_of_others_is_refused(tmp_path: Path, kafka: Kafka) -> None:
    others = new_generation(kafka.bootstrap_servers, tmp_path)
    others.publish(others.topics.raw, "others/1", example("payments.raw.v1", Raw))
    own = KafkaSettings(bootstrap_servers=kafka.bootstrap_servers)
    settings = Settings(data_dir=tmp_path, kafka=own, partitions=PARTITIONS, generation=others.number)
    with world(settings, nobody) as here, pytest.raises(DemoError, match=r"payments\.raw\.v1 is not empty"):
        here.start(nobody)

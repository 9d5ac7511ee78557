"""One file of settings: what is not known or not allowed is named, with what is."""

from pathlib import Path

import pytest

from edge.config import Config, changed_config, live_settings, parse_config, read_config
from edge.errors import ConfigError


def test_an_empty_file_means_the_defaults(tmp_path: Path) -> None:
    path = tmp_path / "checkreader.toml"
    path.write_text("")
    assert read_config(path) == read_config() == Config()


def test_values_of_the_file_take_the_place_of_the_defaults(tmp_path: Path) -> None:
    path = tmp_path / "checkreader.toml"
    path.write_text('[camera]\nsource = "webcam:1"\nfps = 5\n[reading]\nbudget = 0.001\n')
    config = read_config(path)
    assert (config.camera.source, config.camera.fps, config.reading.budget) == ("webcam:1", 5.0, 0.001)
    assert config.web == Config().web


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[camera]\nfsp = 5", r"no key camera\.fsp; there are camera\.source"),
        ("[cam]\nfps = 5", r"no key cam; there are camera, reading"),
        ("camera = 5", r"write \[camera\]"),
        ("[camera]\nfps = '5'", r"camera\.fps is '5', which is of type str; it has to be float"),
        ("[camera]\nrotation_degrees = true", "camera.rotation_degrees is True"),
        ("[camera]\nrotation_degrees = 45", "allowed are 0, 90, 180, 270"),
        ("[reading]\nbudget = 1.5", "share between 0 and 1"),
        ("[camera]\nfps = 0", "allowed is 1 to 120"),
        ("[mqtt]\ntopic = 'a/#'", "no [+] or #"),
        ("fps = ", "is not TOML"),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_dotted_key(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "checkreader.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=message):
        read_config(path)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        read_config(tmp_path / "none.toml")


def test_the_page_may_change_the_live_settings_and_each_is_checked() -> None:
    config = changed_config(Config(), {"reading.budget": 0.001, "camera.rotation_degrees": 180})
    assert live_settings(config) == live_settings(Config()) | {"reading.budget": 0.001, "camera.rotation_degrees": 180}
    with pytest.raises(ConfigError, match="allowed are 0, 90"):
        changed_config(Config(), {"camera.rotation_degrees": 1})
    with pytest.raises(ConfigError, match=r"no key reading\.bugdet"):
        changed_config(Config(), {"reading.bugdet": 1})
    with pytest.raises(ConfigError, match=r"no key reading"):
        changed_config(Config(), {"reading": 1})


def test_a_section_cannot_be_changed_after_it_was_read() -> None:
    with pytest.raises(AttributeError):
        Config().camera.fps = 3  # type: ignore[misc]
    assert parse_config({}) == Config()

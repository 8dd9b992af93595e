"""Settings: later sources win, mistakes are named."""

from pathlib import Path

import pytest

from citybase.kernel.errors import Problem
from citybase.kernel.settings import Settings, load_settings


def test_without_sources_the_defaults_hold() -> None:
    assert load_settings() == Settings()


def test_the_environment_wins_over_the_file_and_options_over_both() -> None:
    settings = load_settings(
        'port = 9000\nenvironment = "trial"', {"CITYBASE_PORT": "9001", "PATH": "/bin"}, {"port": 9002, "host": None}
    )
    assert (settings.port, settings.environment, settings.host) == (9002, "trial", "127.0.0.1")


def test_lists_and_paths_and_switches_are_read_from_variables() -> None:
    settings = load_settings(
        "", {"CITYBASE_PACKS": "xian, air", "CITYBASE_DATA": "/srv/x", "CITYBASE_SYNC_ALWAYS": "true"}
    )
    assert (settings.packs, settings.data, settings.sync_always) == (("xian", "air"), Path("/srv/x"), True)


@pytest.mark.parametrize(
    ("text", "environment", "name"),
    [
        ("prot = 1", {}, "prot"),
        ('port = "many"', {}, "port"),
        ("port = ", {}, "citybase.toml"),
        ("", {"CITYBASE_AUDIT_HASH": "md5"}, "audit_hash"),
    ],
)
def test_a_mistake_names_the_setting(text: str, environment: dict[str, str], name: str) -> None:
    with pytest.raises(Problem) as caught:
        load_settings(text, environment)
    assert (caught.value.code, caught.value.params["name"]) == ("bad_setting", name)

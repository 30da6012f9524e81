"""A language is a file; one that is not written down cannot be checked."""

from pathlib import Path

import pytest

from slates.told.tongues import SHIPPED, load_tongue
from streams.errors import BadSetting


@pytest.mark.parametrize("language", SHIPPED)
def test_shipped_languages_can_say_something_of_every_kind(language: str) -> None:
    kinds = {"co-visit", "attributes", "similar", "acted", "trending", "popular", "new"}
    assert load_tongue(language).claims.keys() == kinds | {"explore", "repeat"}


def test_a_language_nobody_has_written_down_is_refused_by_name() -> None:
    with pytest.raises(BadSetting, match=r"'fr'.*known are en, de, zh"):
        load_tongue("fr")


def test_a_language_of_ones_own_is_a_file(tmp_path: Path) -> None:
    english = Path("slates/told/tongues/en.toml").read_text("utf-8")
    file = tmp_path / "fr.toml"
    file.write_text(english.replace('language = "en"', 'language = "fr"'), "utf-8")
    assert load_tongue("fr", file).name == "English"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('language = "en"', 'language = "de"', "'de'"),
        ("<people> ", "<persons> ", "persons"),
        ('name = "English"', 'nam = "English"', "nam"),
        ('say = "', 'say = "(', "unterminated"),
    ],
)
def test_a_file_that_cannot_be_used_says_why(tmp_path: Path, old: str, new: str, said: str) -> None:
    english = Path("slates/told/tongues/en.toml").read_text("utf-8")
    file = tmp_path / "en.toml"
    file.write_text(english.replace(old, new), "utf-8")
    with pytest.raises(BadSetting, match=said):
        load_tongue("en", file)

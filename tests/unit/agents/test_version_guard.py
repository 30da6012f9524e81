"""The mends are refused to a Faust they were not proven on."""

import importlib.metadata

import pytest

from agents.safety import version
from agents.safety.version import PROVEN, check_version
from streams.errors import SetupError


def test_the_installed_faust_is_the_proven_one() -> None:
    check_version()


@pytest.mark.parametrize("found", ["0.15.4", "0.15.2", "1.0.0"])
def test_another_faust_is_refused_with_both_versions_and_the_way_out(
    monkeypatch: pytest.MonkeyPatch, found: str
) -> None:
    monkeypatch.setattr(version, "version", lambda _: found)
    with pytest.raises(SetupError) as refusal:
        check_version()
    assert found in str(refusal.value)
    assert f"pip install faust-streaming=={PROVEN}" in str(refusal.value)


def test_the_proven_one_is_the_one_that_is_asked_for_at_installation() -> None:
    requirements = importlib.metadata.requires("headwater") or []
    assert f"faust-streaming=={PROVEN}" in requirements

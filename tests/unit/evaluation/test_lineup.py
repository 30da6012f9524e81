"""Contenders are made by name; what is missing is said with what to do."""

import sys

import pytest

from evaluation.lineup import NotInstalled, make_contender
from evaluation.peers.options import Options
from streams.errors import BadSetting


def test_an_unknown_contender_is_refused_with_those_there_are() -> None:
    with pytest.raises(BadSetting, match=r"'als'.*popularity"):
        make_contender("als", Options())


def test_a_library_that_is_missing_is_named_with_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delitem(sys.modules, "evaluation.peers.river_mf", raising=False)
    monkeypatch.setitem(sys.modules, "river", None)
    with pytest.raises(NotInstalled, match=r"river.*pip install"):
        make_contender("river-mf", Options())

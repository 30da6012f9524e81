"""Profiles are stored in a layout that later versions read."""

import msgspec
import pytest
from hypothesis import given

from streams.events import MAX_ID_CHARS, Event
from streams.profiles import (
    MAX_SEEN,
    Profile,
    contained,
    decode_profile,
    encode_profile,
    glance_profile,
)
from streams.topics import PROFILES
from tests.support.histories import HISTORIES, KNOWN, LAW, click, fold_all, folded

STORED_1 = (
    b'{"version":1,"history":[[10.0,"dune","click",1.0],[20.5,"emma","rating",-0.5]],'
    b'"seen":["emma","dune"],"counters":{"click":1,"rating":1,"impression":2},'
    b'"partition":3,"offset":120}'
)
"""An older layout, version 1: what changelogs held then must be read for ever."""

STORED_2 = (
    b'{"version":2,"history":[[10.0,"dune","click",1.0],[20.5,"emma","rating",-0.5]],'
    b'"seen":["emma","dune"],"counters":{"click":1,"rating":1,"impression":2},'
    b'"partition":3,"offset":120,"shown":{"moby":[2,30.5]}}'
)
"""An older layout, version 2."""

STORED = (
    b'{"version":3,"history":[[10.0,"dune","click",1.0],[20.5,"emma","rating",-0.5]],'
    b'"seen":["emma","dune"],"counters":{"click":1,"rating":1,"impression":2},'
    b'"partition":3,"offset":120,"shown":{"moby":[2,30.5]},'
    b'"likes":["Likes sand.","model",40.0,2]}'
)
"""The released layout, version 3."""

KNOWN_2 = msgspec.structs.replace(KNOWN, version=2, likes=None)

KNOWN_1 = msgspec.structs.replace(KNOWN_2, version=1, shown={})


def test_the_largest_profile_fits_into_a_record_of_its_changelog() -> None:
    largest = Profile(seen=tuple(f"{n:x>{MAX_ID_CHARS}}" for n in range(MAX_SEEN)))
    assert len(encode_profile(largest)) < PROFILES.max_message_bytes


# Bytes
@LAW
@given(events=HISTORIES)
def test_decoding_what_was_encoded_gives_the_profile_back(events: list[Event]) -> None:
    profile = fold_all(events)
    assert decode_profile(encode_profile(profile)) == profile


def test_a_profile_stored_in_the_released_layout_is_read() -> None:
    assert decode_profile(STORED) == KNOWN


@pytest.mark.parametrize(("stored", "known"), [(STORED_1, KNOWN_1), (STORED_2, KNOWN_2)])
def test_an_older_layout_is_still_read(stored: bytes, known: Profile) -> None:
    assert decode_profile(stored) == known


@pytest.mark.parametrize("stored", [STORED_1, STORED_2])
def test_a_profile_of_an_older_layout_goes_on_in_the_released_one(stored: bytes) -> None:
    after = folded(decode_profile(stored), click("solaris", 30.0), offset=121, partition=3)
    assert after.version == 3
    assert after.seen == ("emma", "dune", "solaris")


def test_the_released_layout_is_still_what_is_written() -> None:
    assert encode_profile(KNOWN) == STORED


def test_a_field_added_by_a_later_version_is_passed_over() -> None:
    assert decode_profile(STORED[:-1] + b',"mood":{"x":1}}') == KNOWN


def test_a_profile_of_a_later_version_is_refused() -> None:
    """Reading on would drop what that version knew, and write the rest back over it."""
    with pytest.raises(msgspec.DecodeError, match="layout version 4, this Headwater knows up to 3"):
        decode_profile(STORED.replace(b'"version":3', b'"version":4'))


def test_a_stored_profile_says_its_version() -> None:
    assert b'"version":3' in encode_profile(Profile())


# Glances
@pytest.mark.parametrize("stored", [STORED, STORED_2, STORED_1])
def test_a_glance_tells_which_events_a_profile_contains(stored: bytes) -> None:
    whole, glance = decode_profile(stored), glance_profile(stored)
    assert (glance.version, glance.partition) == (whole.version, whole.partition)
    assert [contained(glance, p) for p in range(9)] == [contained(whole, p) for p in range(9)]


def test_a_glance_refuses_a_later_layout_and_what_is_no_object() -> None:
    for value in (STORED.replace(b'"version":3', b'"version":4'), STORED[:-1], b"[]", b"", b"["):
        with pytest.raises(msgspec.DecodeError):
            glance_profile(value)

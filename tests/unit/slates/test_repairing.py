"""The repair rule: whatever a reply names, every candidate comes out once."""

from hypothesis import given
from hypothesis import strategies as st

from slates.repairing import repair
from slates.replies import Entry, Reply, read_reply

IDS = [f"i{k}" for k in range(1, 6)]
ENTRIES = st.lists(
    st.builds(
        Entry,
        number=st.none() | st.integers(-3, 9),
        title=st.sampled_from(["", "i1", "i3", "elsewhere", "nowhere"]),
        listed=st.booleans(),
    ),
    max_size=30,
)


def find(title: str) -> str | None:
    """Knows the candidates, and one item that is none of them."""
    return title if title in (*IDS, "elsewhere") else None


@given(ENTRIES, st.integers(0, 5), st.integers(0, 5))
def test_it_is_always_a_permutation(entries: list[Entry], shown: int, wanted: int) -> None:
    reply = Reply(tuple(entries), "schema")
    found = repair(reply, IDS, wanted=wanted, numbers=IDS[:shown], find=find)
    assert sorted(found.order) == IDS
    assert 0 <= found.trust <= 1


@given(st.text(alphabet='[]{}>,:123456789 \n."ordei'))
def test_any_text_becomes_a_permutation(text: str) -> None:
    assert sorted(repair(read_reply(text), IDS, wanted=5, numbers=IDS, find=find).order) == IDS


@given(st.permutations(range(1, 6)))
def test_a_perfect_reply_is_taken_as_it_is(numbers: list[int]) -> None:
    found = repair(read_reply(f'{{"order": {numbers}}}'), IDS, wanted=5, numbers=IDS)
    assert found.order == tuple(f"i{k}" for k in numbers)
    assert (found.trust, dict(found.counts)) == (1.0, {})


def test_what_is_missing_follows_in_the_order_of_the_candidates() -> None:
    found = repair(read_reply('{"order": [4]}'), IDS, wanted=5, numbers=list(reversed(IDS)))
    assert found.order == ("i2", "i1", "i3", "i4", "i5")
    assert (found.named, found.counts["missing"]) == (1, 4)


def test_each_fault_is_counted() -> None:
    text = "1. i3\n2. elsewhere\n3. nowhere\n4. i3\nand that is all"
    counts = repair(read_reply(text), IDS, wanted=5, find=find).counts
    assert counts == {
        "unknown": 2, "outside_catalogue": 1, "repeats": 1, "missing": 4, "wrong_format": 1,
    }  # fmt: skip


def test_a_number_counts_only_where_the_prompt_had_numbers() -> None:
    counts = repair(read_reply('{"titles": [1, 2]}'), IDS, wanted=5).counts
    assert counts == {"unknown": 2, "missing": 5}


def test_an_empty_reply_earns_no_trust() -> None:
    found = repair(read_reply(""), IDS, wanted=5, numbers=IDS)
    assert (found.trust, found.counts["empty"], found.order) == (0.0, 1, tuple(IDS))


def test_trust_falls_with_what_is_wrong() -> None:
    right = repair(read_reply('{"order": [1, 2, 3, 4, 5]}'), IDS, wanted=5, numbers=IDS).trust
    noisy = repair(read_reply('{"order": [1, 2, 3, 4, 5, 9, 9]}'), IDS, wanted=5, numbers=IDS).trust
    short = repair(read_reply('{"order": [1, 2]}'), IDS, wanted=5, numbers=IDS).trust
    assert right > noisy > short > 0


def test_where_the_prompt_has_no_numbers_a_number_is_a_title() -> None:
    reply = read_reply('{"titles": ["1984", "300", "7"]}')
    found = repair(reply, ["a", "b"], wanted=2, find={"1984": "b", "300": "a"}.get)
    assert found.order == ("b", "a")
    assert found.counts["unknown"] == 1


def test_numbers_in_bold_before_titles_are_marks_of_lines() -> None:
    reply = read_reply("**1.** Emma (1815)\n**2)** *Dune* (1965)")
    named = [entry.title for entry in reply.entries]
    assert named[0] == "Emma (1815)"
    assert named[1].startswith("Dune")

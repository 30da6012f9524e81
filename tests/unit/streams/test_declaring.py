"""A topic's settings are compared where somebody relies on them, in the direction that matters."""

import pytest

from streams import topics
from streams.kafka.declaring import differences, partition_differences

WANTED = topics.RECOMMENDATIONS.config()


def differing(*, upkeep: bool = True, **changes: str | None) -> list[str]:
    changed = {name.replace("_", "."): value for name, value in changes.items()}
    found = {k: v for k, v in {**WANTED, **changed}.items() if v is not None}
    return list(differences("recommendations", found, WANTED, upkeep=upkeep))


def test_a_topic_as_declared_is_as_it_should_be() -> None:
    assert differing() == []


def test_the_order_of_policies_does_not_matter() -> None:
    assert differing(cleanup_policy="delete,compact") == []


@pytest.mark.parametrize(
    ("setting", "worse", "better"),
    [
        ("cleanup_policy", "compact", "compact,delete"),
        ("delete_retention_ms", "1000", "999999999"),
        ("segment_ms", "604800000", "1000"),
        ("max_compaction_lag_ms", "9223372036854775807", "1000"),
    ],
)
def test_worse_than_declared_is_named_with_what_mends_it_and_better_is_not(
    setting: str, worse: str, better: str
) -> None:
    name = setting.replace("_", ".")
    (line,) = differing(**{setting: worse})
    assert f"topic 'recommendations' has {name} {worse}, expected" in line
    assert "--entity-name recommendations --add-config" in line
    assert differing(**{setting: better}) == []


def test_a_setting_that_the_broker_does_not_know_is_a_difference() -> None:
    assert len(differing(max_compaction_lag_ms=None)) == 1


def test_a_list_of_policies_is_written_as_the_tool_takes_it() -> None:
    (line,) = differing(cleanup_policy="delete")
    assert "'cleanup.policy=[compact,delete]'" in line


def test_a_worker_does_not_mind_how_soon_removed_records_go() -> None:
    assert differing(upkeep=False, segment_ms="604800000", max_compaction_lag_ms=None) == []
    assert len(differing(upkeep=False, delete_retention_ms="1000")) == 1


def test_how_long_records_are_kept_is_for_the_operator_to_decide() -> None:
    assert differing(retention_ms="1000") == []


# -- partitions


def test_topics_with_as_many_partitions_as_expected_are_as_they_should_be() -> None:
    assert list(partition_differences({"events": 4, "items": 4}, 4)) == []


def test_too_few_partitions_are_mended_by_the_setting_or_a_new_topic() -> None:
    (line,) = partition_differences({"events": 4, "items": 2}, 4)
    assert line.startswith("topic 'items' has 2 partitions, expected 4: set HEADWATER_PARTITIONS")


def test_added_partitions_are_not_mended_by_the_setting() -> None:
    """A user's later events would be folded where the earlier ones are not."""
    (line,) = partition_differences({"events": 6, "items": 4}, 4)
    assert line.startswith("topic 'events' has 6 partitions, expected 4: ")
    assert "if all topics were made with 6, set HEADWATER_PARTITIONS=6; if partitions were" in line
    assert line.endswith(
        "copy items and events, by key and in the order of time, to topics of another "
        "HEADWATER_TOPIC_PREFIX"
    )

"""One table of topics: everything a user owns is in one place, and what is kept is written down."""

from datetime import timedelta

import pytest

from streams import topics
from streams.topics import ALL, Topic, Topics

COMPACTED = {"items", "item-vectors", "item-trends", "rankers", "profiles", "recommendations"}
FOR_EVER = {"events", "items", "item-vectors", "item-trends", "rankers", "profiles"}


def test_there_are_twelve_topics_each_with_a_name_of_its_own() -> None:
    assert len(ALL) == len({topic.name for topic in ALL}) == 12


def test_every_topic_of_the_module_is_in_the_table() -> None:
    assert {t.name for t in vars(topics).values() if isinstance(t, Topic)} == {t.name for t in ALL}


def test_all_topics_have_the_same_partitions() -> None:
    counts = Topics(prefix="", partitions=7).partition_counts()
    assert counts == {topic.name: 7 for topic in ALL}


@pytest.mark.parametrize("topic", ALL, ids=lambda t: t.name)
def test_the_newest_record_of_a_key_is_kept_where_the_topic_is_a_state(topic: Topic) -> None:
    assert ("compact" in topic.config()["cleanup.policy"].split(",")) == (topic.name in COMPACTED)


@pytest.mark.parametrize("topic", ALL, ids=lambda t: t.name)
def test_only_what_can_be_made_again_or_is_of_no_use_later_is_deleted(topic: Topic) -> None:
    assert (topic.config()["retention.ms"] == "-1") == (topic.name in FOR_EVER)


@pytest.mark.parametrize("topic", ALL, ids=lambda t: t.name)
def test_every_topic_says_how_it_is_keyed_and_what_it_holds(topic: Topic) -> None:
    assert topic.key in {"user", "item", "strategy", "as the source"}
    assert topic.holds


def test_the_source_of_truth_is_never_cut() -> None:
    assert topics.EVENTS.config() == {
        "cleanup.policy": "delete",
        "retention.ms": "-1",
        "max.message.bytes": "1048588",
    }


def test_a_state_is_compacted_and_never_deleted() -> None:
    assert topics.PROFILES.config()["cleanup.policy"] == "compact"
    assert topics.PROFILES.config()["retention.ms"] == "-1"


def test_slates_are_compacted_and_deleted_after_a_week() -> None:
    config = topics.RECOMMENDATIONS.config()
    assert config["cleanup.policy"] == "compact,delete"
    assert config["retention.ms"] == str(7 * 24 * 3600 * 1000)


@pytest.mark.parametrize("topic", ALL, ids=lambda t: t.name)
def test_settings_are_text_as_kafka_writes_them(topic: Topic) -> None:
    assert all(isinstance(value, str) for value in topic.config().values())


def test_a_compacted_topic_tells_of_removals_for_as_long_as_local_copies_rely_on() -> None:
    assert topics.PROFILES.config()["delete.retention.ms"] == str(24 * 3600 * 1000)


@pytest.mark.parametrize("name", ["profiles", "recommendations"])
def test_what_was_replaced_of_a_user_is_compacted_within_a_day(name: str) -> None:
    (topic,) = (topic for topic in ALL if topic.name == name)
    config = topic.config()
    assert config["max.compaction.lag.ms"] == str(24 * 3600 * 1000)
    assert int(config["segment.ms"]) < int(config["max.compaction.lag.ms"])


@pytest.mark.parametrize("name", ["slate-requests", "dead-letters"])
def test_what_is_deleted_of_a_user_does_not_wait_a_week_for_its_file(name: str) -> None:
    (topic,) = (topic for topic in ALL if topic.name == name)
    assert topic.config()["segment.ms"] == str(12 * 3600 * 1000)


def test_a_draft_is_gone_two_hours_after_it_was_of_any_use() -> None:
    config = topics.SLATE_DRAFTS.config()
    assert config["retention.ms"] == config["segment.ms"] == str(3600 * 1000)


def test_topics_without_users_are_cleaned_as_kafka_likes() -> None:
    of_items = (topics.ITEMS, topics.ITEM_VECTORS, topics.ITEM_TRENDS, topics.CO_VISITS)
    for topic in (*of_items, topics.LESSONS, topics.RANKERS):
        assert not topic.holds_users
        assert not {"segment.ms", "max.compaction.lag.ms"} & set(topic.config())


def test_retention_is_in_whole_milliseconds() -> None:
    topic = Topic("x", "user", "x", retention=timedelta(seconds=1.5))
    assert topic.config()["retention.ms"] == "1500"


def test_a_dead_letter_may_be_as_large_as_what_it_keeps() -> None:
    others = [topic.max_message_bytes for topic in ALL if topic is not topics.DEAD_LETTERS]
    assert topics.DEAD_LETTERS.max_message_bytes > max(others)


def test_a_prefix_separates_tenants() -> None:
    shop, club = Topics(prefix="shop.", partitions=4), Topics(prefix="club.", partitions=4)
    assert shop.name(topics.EVENTS) == "shop.events"
    assert not {name for name, _ in shop} & {name for name, _ in club}


def test_the_table_comes_in_the_order_in_which_data_flows() -> None:
    assert tuple(topic for _, topic in Topics(prefix="p.", partitions=1)) == ALL

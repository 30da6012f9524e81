"""What flows: events, items, profiles, trends and the topics that carry them."""

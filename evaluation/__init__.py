"""How good the slates are: replays of what people did, metrics, and peers on the same events."""

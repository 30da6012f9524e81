"""What faust-streaming 0.15.3 gets wrong, mended from outside, one concern per module."""

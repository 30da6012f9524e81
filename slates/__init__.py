"""What is shown: candidates become a ranked, explained slate."""

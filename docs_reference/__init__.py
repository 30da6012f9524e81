"""The reference pages of the documentation, written from the code they describe."""

"""Why an item is shown: facts that speak for it, how strongly, and the words for them."""

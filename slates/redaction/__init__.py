"""Personal data, found by kind and replaced before a prompt leaves the process."""

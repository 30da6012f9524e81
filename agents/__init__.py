"""Who acts: Faust agents, their settings, metrics and the command line."""

"""Which parts a role consists of: one module for those that belong together, and no decisions."""

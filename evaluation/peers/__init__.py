"""What the engine is compared with, one module each."""

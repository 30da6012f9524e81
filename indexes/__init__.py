"""What is searched: text becomes vectors, vectors become neighbours."""

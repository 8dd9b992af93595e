"""The eight nouns of the city (八个名词)."""

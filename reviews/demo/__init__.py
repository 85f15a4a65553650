"""The demonstration: two real models on real data, two of each kind of person, and a history made by deciding."""

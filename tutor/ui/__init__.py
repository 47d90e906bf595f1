"""The page: chat on the left, sources and attention on the right, and the few functions it offers to programs."""

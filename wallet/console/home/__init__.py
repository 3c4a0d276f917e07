"""What one sees first: how things stand, what is to do, and what was looked for."""

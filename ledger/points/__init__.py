"""Points that come in, go out and go to others, on the terms of their programme."""

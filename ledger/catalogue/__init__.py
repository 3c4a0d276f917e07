"""What is sold: goods and what they count for."""

"""What is done at a shop's counter."""

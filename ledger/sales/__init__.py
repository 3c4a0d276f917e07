"""What is sold and for how much: the promotions of a programme as they are kept, and receipts."""

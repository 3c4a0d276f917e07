"""Who is told what, and when: campaigns, built-in messages, and what became of them."""

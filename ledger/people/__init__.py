"""People: members, the cards they show, what is known of them, what they agreed to."""

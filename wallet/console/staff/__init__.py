"""Who works here, with which rights and keys, and what they changed."""

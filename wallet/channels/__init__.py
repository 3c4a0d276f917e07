"""Ways by which a message leaves this house for one person."""

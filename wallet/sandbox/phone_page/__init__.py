"""The virtual phone as a page. Who may call: people at this machine, and no other site."""

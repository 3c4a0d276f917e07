"""The virtual phone as a page. Who may call: whoever sits at this machine, and no other site."""

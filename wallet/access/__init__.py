"""Who may call and what they may do: API keys with scopes, webhook sources with their secrets."""

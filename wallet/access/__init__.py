"""Who may call: API keys with scopes, webhook sources with their secrets."""

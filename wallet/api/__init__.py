"""The JSON API. Who may call: holders of an API key, `Authorization: Bearer <key>`."""

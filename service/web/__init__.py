"""Pages: server-rendered, without script, over the same operations as the API."""

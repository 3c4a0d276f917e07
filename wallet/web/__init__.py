"""The Flask application and the server it runs in; pages and calls for operators."""

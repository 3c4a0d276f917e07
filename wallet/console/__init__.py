"""The console: pages for those who run a programme."""

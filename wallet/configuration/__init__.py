"""What an installation is told from outside: settings, keys, how it logs, its clock."""

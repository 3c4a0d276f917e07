"""Others are told what happens: signed webhooks out (Standard Webhooks 1.0)."""

"""Promotions: what a purchase costs and what it earns. Everything here is pure: a basket, facts and
promotions go in, a quote comes out."""

"""Fail a pytest run where the code would break the limits of Cloudflare Workers."""

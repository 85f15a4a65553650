"""Notices: what happened is written with the change, in its transaction, and told afterwards by e-mail and webhook."""

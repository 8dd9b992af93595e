"""Bulk import into the ledger: a file becomes a preview with every error at its cell; applying is all or nothing."""

"""The audit trail for others: verified and signed while the server runs, exported, and sent to webhooks."""

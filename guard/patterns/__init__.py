"""Listed values of a known form, as IBANs and phone numbers: checked, and forbidden in all their forms."""

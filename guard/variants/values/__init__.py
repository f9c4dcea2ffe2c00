"""Values in other forms: dates, numbers and addresses, in digits and in words."""

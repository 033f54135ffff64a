"""Records that keep coming: services on the internet, and what it takes to ask them well."""

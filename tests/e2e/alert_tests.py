"""What tests of alerts share."""

# For str.format: `url` is where the signal's price is asked for; where it is not, ForewarmSignalStale fires at once.
STALE_SIGNAL = """
[alerts]
every = "1s"
for = {{ ForewarmSignalStale = "0s" }}
[[signal]]
name = "price"
source = "poll"
url = "{url}/price"
every = "200ms"
"""

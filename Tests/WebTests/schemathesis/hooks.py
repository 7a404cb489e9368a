"""What schemathesis does not know of itself: how a body of lines is written, and how long a request may be."""
import urllib.parse

import schemathesis


@schemathesis.serializer("application/x-ndjson")
def lines(context, value):
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogatepass")


@schemathesis.hook
def filter_query(context, query):
    """The HTTP server refuses requests whose head is longer than 1 MiB before the API sees them."""
    return len(urllib.parse.urlencode(query or {}, doseq=True, errors="replace")) < 900_000

"""What the document cannot say in a schema: how JSON lines are written, and texts with a meaning."""

import json

import schemathesis
from hypothesis import strategies as st


@schemathesis.serializer("application/x-ndjson")
def json_lines(context, value):
    lines = value if isinstance(value, list) else [value]
    return "".join(json.dumps(line) + "\n" for line in lines).encode("utf-8", "surrogatepass")


schemathesis.openapi.format("time-zone", st.sampled_from(["UTC", "Europe/Zurich", "America/Denver", "Asia/Kathmandu"]))
schemathesis.openapi.format("day-or-instant", st.just("2025-03-03"))
schemathesis.openapi.format("iso-week", st.sampled_from(["2025-W01", "2025-W10", "2020-W53"]))
schemathesis.openapi.format("list-cursor", st.builds("{}.{}".format, st.integers(0, 2**40), st.integers(1, 2**40)))
schemathesis.openapi.format(
    "leader-cursor",
    st.builds("{}.{}.{}.HOWL".format, st.integers(1, 99), st.integers(0, 99), st.integers(0, 99)),
)

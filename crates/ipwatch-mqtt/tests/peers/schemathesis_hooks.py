"""What the document cannot say in a schema: texts with a meaning."""

import schemathesis
from hypothesis import strategies as st

schemathesis.openapi.format("cron", st.sampled_from(["0 22 * * mon-fri", "*/5 * * * *", "@daily", "0 0 29 2 *"]))
schemathesis.openapi.format("time-zone", st.sampled_from(["UTC", "Europe/Paris", "America/Denver", "Asia/Kathmandu"]))
schemathesis.openapi.format("ip", st.sampled_from(["192.0.2.7", "192.0.2.8", "2001:db8::7"]))
schemathesis.openapi.format("name", st.text(alphabet="abcdefghij", min_size=1, max_size=100))

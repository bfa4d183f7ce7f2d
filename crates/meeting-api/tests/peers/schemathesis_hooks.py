"""What the document cannot say in a schema: how an SSH public key is made."""

import base64

import schemathesis
from hypothesis import strategies as st


def line(seed: bytes, comment: str) -> str:
    kind = b"ssh-ed25519"
    blob = len(kind).to_bytes(4, "big") + kind + (32).to_bytes(4, "big") + seed
    return f"ssh-ed25519 {base64.b64encode(blob).decode()} {comment}".rstrip()


comments = st.text(alphabet="abcdefghijklmnopqrstuvwxyz@.-0123456789", max_size=20)
schemathesis.openapi.format("ssh-public-key", st.builds(line, st.binary(min_size=32, max_size=32), comments))

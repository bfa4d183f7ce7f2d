"""Vectors of MeshCore group texts, made without this crate: AES by OpenSSL, SHA-256 and HMAC by Python.

Without arguments, prints the recorded vectors of tests/it/meshcore_vectors.in. With the argument "answer" and lines of JSON on standard
input, prints the payload and the hash of each; with "decode", what the decoder that its community uses reads in each packet.
"""

import hashlib
import hmac
import json
import subprocess
import sys

CHANNELS = {
    "#meshmonday": hashlib.sha256(b"#meshmonday").digest()[:16],
    "Public": bytes.fromhex("8b3387e9c5cdea6ac9e5edbaa115cd72"),
    "long": bytes(range(1, 33)),
}


def aes_blocks(key, plaintext):
    command = ["openssl", "enc", "-aes-128-ecb", "-nopad", "-K", key[:16].hex()]
    return subprocess.run(command, input=plaintext, capture_output=True, check=True).stdout


def group_text(key, timestamp, flags, text):
    plaintext = timestamp.to_bytes(4, "little") + bytes([flags]) + text
    plaintext += bytes(-len(plaintext) % 16)
    ciphertext = aes_blocks(key, plaintext)
    mac = hmac.new(key.ljust(32, b"\0"), ciphertext, hashlib.sha256).digest()[:2]
    payload = hashlib.sha256(key).digest()[:1] + mac + ciphertext
    return payload.hex().upper(), hashlib.sha256(b"\x05" + payload).hexdigest()[:16].upper()


def recorded():
    texts = ["", "HOWL: check in", "HOWL: ", "Zoë 📡: здравствуйте", "A: " + "b" * 157]
    texts += ["N: " + "x" * (length - 3) for length in (10, 11, 12, 26, 27, 28, 171)]
    for name, key in CHANNELS.items():
        for index, text in enumerate(texts):
            timestamp = 1741041000 + index if index else 0xFFFFFFFF
            flags = index % 3
            yield key, timestamp, flags, text


def decode(key, packet):
    from meshcoredecoder import MeshCoreDecoder
    from meshcoredecoder.types.crypto import DecryptionOptions

    keys = MeshCoreDecoder.create_key_store({"channel_secrets": [key]})
    read = MeshCoreDecoder.decode(packet, DecryptionOptions(key_store=keys))
    text = read.payload["decoded"].decrypted
    # Its hash is one of its own, which no bot sends.
    return {
        "timestamp": text["timestamp"],
        "name": text["sender"],
        "message": text["message"],
    }


def main():
    if sys.argv[1:] == ["decode"]:
        for line in sys.stdin:
            case = json.loads(line)
            print(json.dumps(decode(case["key"], case["packet"])))
        return
    if sys.argv[1:] == ["answer"]:
        for line in sys.stdin:
            case = json.loads(line)
            payload, digest = group_text(
                bytes.fromhex(case["key"]), case["timestamp"], case["flags"], bytes.fromhex(case["text"])
            )
            print(json.dumps({"payload": payload, "hash": digest}))
        return
    print("[")
    for key, timestamp, flags, text in recorded():
        payload, digest = group_text(key, timestamp, flags, text.encode())
        print(f'    ("{key.hex()}", {timestamp}, {flags}, "{text}", "{payload}", "{digest}"),')
    print("]")


main()

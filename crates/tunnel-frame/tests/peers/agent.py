"""A tunnel agent with the habits of agents in the field, for testing a proxy.

It reads its answer byte by byte, connects and writes to local sockets inside its frame reader (so that one stalled
socket stalls all), sends D frames of 4 kB, skips frames it does not know, and never echoes C.

usage: agent.py <proxy port> <token> <device_key>
"""
import json
import socket
import struct
import sys
import threading

port, token, name = sys.argv[1:4]
tunnel = socket.create_connection(("127.0.0.1", int(port)))
tunnel.settimeout(120)
sending = threading.Lock()
streams = {}


def send(kind, stream, payload=b""):
    with sending:
        tunnel.sendall(kind + struct.pack(">II", stream, len(payload)) + payload)


def receive(count):
    data = b""
    while len(data) < count:
        piece = tunnel.recv(count - len(data))
        if not piece:
            sys.exit(0)
        data += piece
    return data


def forward(stream, local):
    try:
        while True:
            data = local.recv(4096)
            if not data:
                break
            send(b"D", stream, data)
    except OSError:
        pass
    if streams.pop(stream, None) is not None:
        send(b"C", stream)
    local.close()


tunnel.sendall((json.dumps({"token": token, "name": name}) + "\n").encode())
line = b""
while not line.endswith(b"\n") and len(line) < 4096:
    line += receive(1)
answer = json.loads(line)
if answer.get("status") == "error":
    print("refused", answer, flush=True)
    sys.exit(3)
print(answer.get("status", "warning: no status"), flush=True)

while True:
    kind, stream, length = struct.unpack(">cII", receive(9))
    payload = receive(length)
    if kind == b"N":
        try:
            local = socket.create_connection(("127.0.0.1", struct.unpack(">H", payload[:2])[0]), timeout=10)
            local.settimeout(None)
        except OSError:
            send(b"C", stream)
            continue
        streams[stream] = local
        threading.Thread(target=forward, args=(stream, local), daemon=True).start()
    elif kind == b"D":
        local = streams.get(stream)
        if local is not None:
            try:
                local.sendall(payload)
            except OSError:
                pass
    elif kind == b"C":
        local = streams.pop(stream, None)
        if local is not None:
            try:
                local.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

"""An agent as the document has it, by another hand: paho-mqtt, two fields, no id.

Usage: agent.py PORT ADDRESS USER PASSWORD HOSTNAME [refuse] [CA]. It reports every second, so that a test waits for events and not for
half a minute. A word on standard input ends it: `die` as a power cut does, `leave` in order.
"""

import json
import os
import sys
import threading
from datetime import datetime, timezone

import paho.mqtt.client as mqtt

port, address, user, password, hostname = sys.argv[1:6]
refuses = "refuse" in sys.argv[6:]
authority = next((word for word in sys.argv[6:] if word.endswith(".pem")), None)
topic = f"ipwatch/device/{address}"
ended = threading.Event()


def now():
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def status(client):
    figures = {
        "hostname": hostname, "ip": address, "platform": "Linux", "platform_version": "6.1.0", "uptime": 86400,
        "cpu_percent": 12.5, "memory_percent": 62.5, "disk_percent": 78.3, "timestamp": now(),
    }
    client.publish(f"{topic}/status", json.dumps(figures), qos=1)


def connected(client, userdata, flags, reason, properties=None):
    print(f"connected: {reason}", flush=True)
    if reason.is_failure:
        return
    client.subscribe(f"{topic}/command", qos=1)
    client.publish(f"{topic}/availability", "online", qos=1, retain=True)
    status(client)


def commanded(client, userdata, message):
    command = json.loads(message.payload)["command"]
    print(f"command: {command} retain={message.retain} qos={message.qos}", flush=True)
    if command == "status":
        status(client)
    success = not (refuses and command != "status")
    text = {"shutdown": "Shutdown en cours...", "reboot": "Reboot en cours...", "status": "Status"}[command]
    answer = {"success": success, "message": text if success else "sudo: a password is required", "timestamp": now()}
    client.publish(f"{topic}/response", json.dumps(answer), qos=1).wait_for_publish(5)
    if success and command == "shutdown":
        client.publish(f"{topic}/availability", "offline", qos=1, retain=True).wait_for_publish(5)
        print("down", flush=True)
        ended.set()


def listen():
    for line in sys.stdin:
        if line.strip() == "die":
            os._exit(9)
        ended.set()


# A callback waits for its own publishes, so that another thread does the network's work.
client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id=f"agent-{user}", protocol=mqtt.MQTTv311)
client.username_pw_set(user, password)
client.will_set(f"{topic}/availability", "offline", qos=1, retain=True)
if authority:
    client.tls_set(authority)
client.on_connect = connected
client.on_message = lambda *event: threading.Thread(target=commanded, args=event, daemon=True).start()
client.connect("127.0.0.1", int(port), keepalive=10)
client.loop_start()
threading.Thread(target=listen, daemon=True).start()
while not ended.wait(1):
    status(client)
client.disconnect()
client.loop_stop()

"""Every machine tries to speak and to listen for every other one.

Usage: cross.py PORT ACCOUNTS, where ACCOUNTS is JSON: { "ipwatch": password, address: password, … }. Prints what was delivered and should not
have been, and last how many attempts there were.
"""

import json
import queue
import sys

import paho.mqtt.client as mqtt

port, accounts = int(sys.argv[1]), json.loads(sys.argv[2])
machines = [user for user in accounts if user != "ipwatch"]
leaves = ["status", "availability", "response"]


class Client:
    def __init__(self, user):
        self.heard = queue.Queue()
        self.client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id=f"cross-{user}")
        self.client.username_pw_set(user, accounts[user])
        self.client.on_message = lambda client, data, message: self.heard.put((message.topic, message.payload.decode()))
        connected = queue.Queue()
        self.client.on_connect = lambda client, data, flags, reason, properties: connected.put(reason)
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()
        assert not connected.get(timeout=20).is_failure

    def say(self, topic, text):
        self.client.publish(topic, text, qos=1).wait_for_publish(20)

    def listen(self, filters):
        done = queue.Queue()
        self.client.on_subscribe = lambda *_: done.put(True)
        self.client.subscribe([(filter, 1) for filter in filters])
        done.get(timeout=20)

    def until(self, last):
        """All that is heard up to a message."""
        heard = []
        while not heard or heard[-1] != last:
            heard.append(self.heard.get(timeout=20))
        return heard


def topic(machine, leaf):
    return f"ipwatch/device/{machine}/{leaf}"


backend = Client("ipwatch")
backend.listen([topic("+", leaf) for leaf in leaves])
clients = {machine: Client(machine) for machine in machines}
attempts = 0
for machine, client in clients.items():
    client.listen(["ipwatch/#", "#", *(topic(other, "command") for other in machines)])
    for other in machines:
        if other != machine:
            for leaf in [*leaves, "command"]:
                client.say(topic(other, leaf), "forged")
            attempts += 1
    client.say(topic(machine, "status"), machine)
    for heard in backend.until((topic(machine, "status"), machine))[:-1]:
        print(f"delivered: {machine} spoke as {heard}")
for machine in machines:
    backend.say(topic(machine, "command"), machine)
for machine, client in clients.items():
    backend.say(topic(machine, "command"), "last")
    for heard in client.until((topic(machine, "command"), "last"))[:-1]:
        if heard != (topic(machine, "command"), machine):
            print(f"delivered: {machine} heard {heard}")
print(f"attempts: {attempts}")

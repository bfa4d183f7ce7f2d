"""A bot of check-ins, written from the document alone with Python's standard library.

Usage: check_in_bot.py URL SECONDS < check-ins, one JSON object a line

The key is in CHECKIN_API_KEY. Prints the status of the last answer for each check-in, or "lost". After 429 and 5xx it sends once more,
SECONDS later, and then goes on, as the document has it.
"""

import os
import sys
import time
import urllib.error
import urllib.request


def send(url, key, body):
    request = urllib.request.Request(url, data=body, method="POST")
    request.add_header("Authorization", "Bearer " + key)
    request.add_header("Content-Type", "application/json")
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return str(answer.status)
    except urllib.error.HTTPError as error:
        return str(error.code)
    except (urllib.error.URLError, OSError):
        return "lost"


def main():
    url, delay = sys.argv[1], float(sys.argv[2])
    key = os.environ["CHECKIN_API_KEY"]
    for line in sys.stdin.buffer:
        body = line.strip()
        status = send(url, key, body)
        if status == "429" or status.startswith("5"):
            time.sleep(delay)
            status = send(url, key, body)
        print(status, flush=True)


if __name__ == "__main__":
    main()

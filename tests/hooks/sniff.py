"""Inside a host's network: who sends what, seen on interfaces, until a word comes on standard input. Prints JSON.

{interface: {source MAC: frames}}; frames that the host sends out by an interface are not counted.
"""

import json
import select
import socket
import sys


def main(interfaces: list[str]) -> None:
    """Count until standard input says something."""
    ports = {}
    for name in interfaces:
        port = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        port.bind((name, 0))
        ports[port] = name
    print("ready", flush=True)
    seen: dict[str, dict[str, int]] = {name: {} for name in interfaces}
    while True:
        ready, _, _ = select.select([*ports, sys.stdin], [], [])
        for port in (p for p in ports if p in ready):
            data, address = port.recvfrom(2000)
            if address[2] != socket.PACKET_OUTGOING:
                counts = seen[ports[port]]
                source = data[6:12].hex(":")
                counts[source] = counts.get(source, 0) + 1
        if sys.stdin in ready:
            if sys.stdin.readline().strip() == "end":
                return
            print(json.dumps(seen), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])

"""Runs commands where nothing leads out of the machine, and tells what tried to get out.

Started as root of a network namespace of its own (`unshare -rn`). The default route leads to the
loopback device, so that a packet socket there sees whatever any process or library sends, native
code too: connections to other hosts, and questions to a name server.

    unshare -rn python -m imgassets_tests.outbound '[["command", "argument"], ...]'

Prints `{"ends": [{"code": 0, "said": "..."}], "sent": ["tcp 192.0.2.1:443", ...]}`.
"""

from __future__ import annotations

import ipaddress
import json
import socket
import subprocess
import sys
import threading

_ALL_PROTOCOLS = 3
_PORTS = {6: "tcp", 17: "udp"}


def main() -> None:
    for words in ("link set lo up", "route add default dev lo", "-6 route add default dev lo"):
        subprocess.run(["ip", *words.split()], check=True)
    seen: set[str] = set()
    watcher = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.ntohs(_ALL_PROTOCOLS))
    watcher.bind(("lo", 0))
    watcher.settimeout(1)
    over = threading.Event()
    thread = threading.Thread(target=_watch, args=(watcher, seen, over))
    thread.start()
    ends = []
    for command in json.loads(sys.argv[1]):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        ends.append({"code": done.returncode, "said": (done.stdout + done.stderr)[-3000:]})
    over.set()
    thread.join()
    print(json.dumps({"ends": ends, "sent": sorted(seen)}))


def _watch(watcher: socket.socket, seen: set[str], over: threading.Event) -> None:
    while True:
        try:
            frame = watcher.recv(65535)
        except TimeoutError:
            if over.is_set():
                return
            continue
        where = _leads_out(frame[14:])
        if where:
            seen.add(where)


def _leads_out(packet: bytes) -> str | None:
    """`protocol address:port` of a packet that is not for this machine, or asks for a name."""
    if packet[0] >> 4 == 4:
        address, protocol = ipaddress.ip_address(packet[16:20]), packet[9]
        body = packet[(packet[0] & 15) * 4 :]
    else:
        address, protocol, body = ipaddress.ip_address(packet[24:40]), packet[6], packet[40:]
    port = int.from_bytes(body[2:4], "big") if protocol in _PORTS else 0
    if (address.is_loopback and port != 53) or address.is_multicast:
        return None
    return f"{_PORTS.get(protocol, protocol)} {address}:{port}"


if __name__ == "__main__":
    main()

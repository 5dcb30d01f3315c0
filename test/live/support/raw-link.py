# SPDX-License-Identifier: Apache-2.0
# Frames as they are, out of and into an interface: what comes on stdin is sent, what the interface receives is written to
# stdout. Each frame has its length in front, two bytes, the high one first.
#   raw-link.py INTERFACE
import os, select, socket, struct, sys

ETH_P_ALL = 3
link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
link.bind((sys.argv[1], 0))
link.setblocking(False)
os.set_blocking(0, False)
print("ready", file=sys.stderr, flush=True)

waiting = b""
while True:
    readable, _, _ = select.select([0, link], [], [])
    if 0 in readable:
        more = os.read(0, 1 << 16)
        if not more:
            break
        waiting += more
        while len(waiting) >= 2:
            (length,) = struct.unpack(">H", waiting[:2])
            if len(waiting) < 2 + length:
                break
            try:
                link.send(waiting[2 : 2 + length])
            except OSError:
                pass  # dropped on its way out
            waiting = waiting[2 + length :]
    if link in readable:
        out = []
        for _ in range(256):
            try:
                frame, (_, _, kind, _, _) = link.recvfrom(65536)
            except BlockingIOError:
                break
            if kind != socket.PACKET_OUTGOING:
                out.append(struct.pack(">H", min(len(frame), 65535)) + frame[:65535])
        sys.stdout.buffer.write(b"".join(out))
        sys.stdout.buffer.flush()

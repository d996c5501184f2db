"""Brings up the loopback interface of a new network namespace."""

import fcntl
import socket
import struct

# From linux/sockios.h and linux/if.h.
SIOCSIFFLAGS = 0x8914
IFF_UP_AND_RUNNING = 0x41

with socket.socket() as anything:
    fcntl.ioctl(anything, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP_AND_RUNNING))

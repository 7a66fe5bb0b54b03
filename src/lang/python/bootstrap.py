# Runs as `python -c`: takes the package `rohas_runtime` from the socket in argv[1], then hands the socket to it.
import sys

sys.path[:] = [entry for entry in sys.path if entry]  # nothing of the project may shadow the imports below

import importlib.abc
import importlib.util
import json
import socket


def read(size):
    data = bytearray()
    while len(data) < size:
        part = channel.recv(size - len(data))
        if not part:
            raise SystemExit("the socket closed before the runtime arrived")
        data += part
    return bytes(data)


class Embedded(importlib.abc.MetaPathFinder, importlib.abc.InspectLoader):
    """Imports from memory; `get_source` lets tracebacks show the lines."""

    def __init__(self, sources):
        self.sources = sources

    def find_spec(self, name, path=None, target=None):
        if name not in self.sources:
            return None
        package = name == "rohas_runtime"
        return importlib.util.spec_from_loader(name, self, origin=f"<{name}>", is_package=package)

    def get_source(self, name):
        return self.sources[name]

    def exec_module(self, module):
        code = compile(self.sources[module.__name__], f"<{module.__name__}>", "exec", dont_inherit=True)
        exec(code, module.__dict__)


channel = socket.socket(fileno=int(sys.argv[1]))
channel.set_inheritable(False)
sys.meta_path.insert(0, Embedded(json.loads(read(int.from_bytes(read(4), "big")))))

from rohas_runtime.worker import main

main(channel)

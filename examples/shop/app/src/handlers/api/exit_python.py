import os


def handler():
    os._exit(3)

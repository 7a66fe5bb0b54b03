from lib import office


def handler():
    return office.report

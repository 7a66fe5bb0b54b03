from lib import office


def handler(tick):
    office.refresh_report()

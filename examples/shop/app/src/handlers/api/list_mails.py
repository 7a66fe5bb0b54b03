from lib import office


def list_mails(request):
    to = request.query.get("to")
    return [mail for mail in office.mails if to is None or mail["to"] == to]

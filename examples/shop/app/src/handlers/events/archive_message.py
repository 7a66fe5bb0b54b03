from lib import office


def archive_message(event):
    office.messages.append({"room": event.room, "author": event.author, "text": event.text})

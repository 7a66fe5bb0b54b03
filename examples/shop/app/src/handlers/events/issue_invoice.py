from rohas_runtime import Event, State

from lib import office


# What it returns is the payload of InvoiceIssued, which OrderPlaced triggers.
def handler(event: Event, state: State):
    invoice = office.invoice_for(event.payload)
    state.logger.info("invoice issued", number=invoice["number"], attempt=event.attempt)
    return invoice

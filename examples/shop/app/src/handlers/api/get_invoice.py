from rohas_runtime import Request, Response
from tabulate import tabulate

from lib import office
from lib.errors import NotFound


def handler(request: Request):
    invoice = office.invoices.get(request.id)
    if invoice is None:
        raise NotFound(f"there is no invoice for order {request.id}")
    rows = [(line["productId"], line["quantity"]) for line in invoice["lines"]]
    table = tabulate(rows, headers=["product", "quantity"])
    text = f"Invoice {invoice['number']} for {invoice['customer']}\n\n{table}\n\nTotal: {invoice['total'] / 100:.2f}\n"
    return Response(text, headers={"content-type": "text/plain; charset=utf-8"})

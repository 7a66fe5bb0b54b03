"""The back office's "database": lives as long as the interpreter, which is why the configuration has `workers = 1`."""

invoices = {}  # order id -> invoice
mails = []
messages = []
report = {"orders": 0, "revenue": 0, "refreshes": 0}


def invoice_for(order):
    """Issues the invoice of an order; the same order again gets the same invoice, as events may come twice."""
    if order["id"] not in invoices:
        lines = [{"productId": item["productId"], "quantity": item["quantity"]} for item in order["items"]]
        invoices[order["id"]] = {
            "number": len(invoices) + 1,
            "orderId": order["id"],
            "customer": order["customer"],
            "lines": lines,
            "total": order["total"],
        }
    return invoices[order["id"]]


def refresh_report():
    report["orders"] = len(invoices)
    report["revenue"] = sum(invoice["total"] for invoice in invoices.values())
    report["refreshes"] += 1

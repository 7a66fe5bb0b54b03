//! The till of the shop: the handlers in Rust, and the app that they form together with the project in `app/`.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use rohas::{
    ActorApp, App, Body, Builder, Data, Event, EventStream, Failure, OrInternal, Path, Request, State, Tick,
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

/// Describes the whole shop: the project with its TypeScript and Python, the schema and the handlers of the till.
pub fn shop(till: &Till) -> Builder {
    let project = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/shop/app");
    ActorApp::builder()
        .project_dir(project)
        .schema_text(include_str!("schema/till.ro"))
        .data(till.clone())
        .handler("PayOrder", pay_order)
        .handler("book_payment", book_payment)
        .handler("GetTill", get_till)
        .handler("CountTill", count_till)
        .handler("FailRust", fail)
        .handler("PanicRust", panic)
}

/// An order, as far as the till is concerned.
#[derive(Debug, Clone, Deserialize)]
struct Order {
    id: Uuid,
    customer: String,
    total: i64,
}

/// A payment, as in the schema.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Payment {
    id: Uuid,
    order_id: Uuid,
    customer: String,
    amount: i64,
}

#[derive(Deserialize)]
struct PayInput {
    amount: i64,
}

/// What is in the till.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct TillState {
    payments: i64,
    revenue: i64,
}

#[derive(Default)]
struct Books {
    unpaid: HashMap<Uuid, Order>,
    paid: HashMap<Uuid, Payment>,
    state: TillState,
}

/// The till; clones share it.
#[derive(Clone, Default)]
pub struct Till(Arc<Mutex<Books>>);

impl Till {
    /// Learns from `app` about every order from now on.
    pub fn follow(&self, app: &App) {
        let orders = app.event("OrderPlaced").and_then(|event| event.subscribe());
        tokio::spawn(follow(self.clone(), orders.expect("the schema has the event")));
    }

    fn books(&self) -> std::sync::MutexGuard<'_, Books> {
        self.0.lock().expect("nothing panics while it holds the books")
    }
}

async fn follow(till: Till, mut orders: EventStream<Order>) {
    while let Some(event) = orders.next().await {
        match event {
            Ok(event) => drop(till.books().unpaid.insert(event.payload.id, event.payload)),
            Err(error) => tracing::error!(%error, "order not understood"),
        }
    }
}

/// The declared errors of PayOrder: its name in the schema decides the status of each.
enum PayError {
    NotFound,
    AlreadyPaid,
    NotEnough { missing: i64 },
}

impl From<PayError> for Failure {
    fn from(error: PayError) -> Self {
        let declared = |name, message, body| Failure::declared(name, message, body);
        match error {
            PayError::NotFound => {
                declared("NotFound", "no such order", json!({ "message": "there is no such order" }))
            }
            PayError::AlreadyPaid => {
                declared("Conflict", "paid already", json!({ "message": "the order is paid already" }))
            }
            PayError::NotEnough { missing } => {
                let body = json!({ "message": "that is not enough", "missing": missing });
                declared("PaymentRequired", "not enough", body)
            }
        }
    }
}

async fn pay_order(
    Path(order_id): Path<Uuid>,
    Body(PayInput { amount }): Body<PayInput>,
    till: Data<Till>,
) -> Result<Payment, PayError> {
    let mut books = till.books();
    if books.paid.contains_key(&order_id) {
        return Err(PayError::AlreadyPaid);
    }
    let order = books.unpaid.get(&order_id).ok_or(PayError::NotFound)?;
    if amount < order.total {
        return Err(PayError::NotEnough { missing: order.total - amount });
    }
    let payment = Payment { id: Uuid::new_v4(), order_id, customer: order.customer.clone(), amount };
    books.unpaid.remove(&order_id);
    books.paid.insert(order_id, payment.clone());
    Ok(payment)
}

async fn book_payment(till: Data<Till>, event: Event<Payment>, state: State) -> Result<(), Failure> {
    {
        let mut books = till.books();
        books.state.payments += 1;
        books.state.revenue += event.amount;
    }
    state.set_payload("MailQueued", json!({ "to": event.customer, "subject": "Thank you for your payment" }))
}

async fn get_till(till: Data<Till>) -> Result<TillState, Failure> {
    Ok(till.books().state)
}

/// What it returns is the payload of TillCounted.
async fn count_till(till: Data<Till>, tick: Tick, state: State) -> Result<TillState, Failure> {
    let counted = till.books().state;
    state.log("debug", "till counted", json!({ "due": tick.scheduled_at, "revenue": counted.revenue }));
    Ok(counted)
}

async fn fail(_: Request, _: State) -> Result<String, Failure> {
    Err("the database password is hunter2").or_internal()
}

async fn panic(_: Request, _: State) -> Result<String, Failure> {
    panic!("this ends the call, not the app");
}

//! The till of the shop: the handlers in Rust, and the app that they form together with the project in `app/`.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use rohas::{ActorApp, Builder, Event, Failure, Request, Running, State, Subscription, Tick};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

/// Describes the whole shop: the project with its TypeScript and Python, the schema and the handlers of the till.
pub fn shop(till: &Till) -> Builder {
    let project = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/shop/app");
    let (pay, book, show, count) = (till.clone(), till.clone(), till.clone(), till.clone());
    ActorApp::builder()
        .project_dir(project)
        .schema_text(include_str!("schema/till.ro"))
        .handler("PayOrder", move |request, state| pay_order(pay.clone(), request, state))
        .handler("book_payment", move |event, state| book_payment(book.clone(), event, state))
        .handler("GetTill", move |_: Request, _| get_till(show.clone()))
        .handler("CountTill", move |tick, state| count_till(count.clone(), tick, state))
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
    /// Learns from `running` about every order from now on.
    pub fn follow(&self, running: &Running) {
        let orders = running.subscribe("OrderPlaced").expect("the schema has the event");
        tokio::spawn(follow(self.clone(), orders));
    }

    fn books(&self) -> std::sync::MutexGuard<'_, Books> {
        self.0.lock().expect("nothing panics while it holds the books")
    }
}

async fn follow(till: Till, mut orders: Subscription) {
    while let Some(event) = orders.next().await {
        match Order::deserialize(&*event.payload) {
            Ok(order) => drop(till.books().unpaid.insert(order.id, order)),
            Err(error) => tracing::error!(id = %event.id, %error, "order not understood"),
        }
    }
}

/// Answers a declared error of the api: its name in the schema decides the status.
fn declared<T>(name: &str, message: &str) -> Result<T, Failure> {
    Err(Failure::declared(name, message, json!({ "message": message })))
}

async fn pay_order(till: Till, request: Request<PayInput>, _: State) -> Result<Payment, Failure> {
    let order_id: Uuid = request.param("id")?;
    let mut books = till.books();
    if books.paid.contains_key(&order_id) {
        return declared("Conflict", "the order is paid already");
    }
    let Some(order) = books.unpaid.get(&order_id) else {
        return declared("NotFound", "there is no such order");
    };
    let amount = request.body.amount;
    if amount < order.total {
        let body = json!({ "message": "that is not enough", "missing": order.total - amount });
        return Err(Failure::declared("PaymentRequired", "not enough", body));
    }
    let payment = Payment { id: Uuid::new_v4(), order_id, customer: order.customer.clone(), amount };
    books.unpaid.remove(&order_id);
    books.paid.insert(order_id, payment.clone());
    Ok(payment)
}

async fn book_payment(till: Till, event: Event<Payment>, state: State) -> Result<(), Failure> {
    {
        let mut books = till.books();
        books.state.payments += 1;
        books.state.revenue += event.amount;
    }
    state.set_payload("MailQueued", json!({ "to": event.customer, "subject": "Thank you for your payment" }))
}

async fn get_till(till: Till) -> Result<TillState, Failure> {
    Ok(till.books().state)
}

/// What it returns is the payload of TillCounted.
async fn count_till(till: Till, tick: Tick, state: State) -> Result<TillState, Failure> {
    let counted = till.books().state;
    state.log("debug", "till counted", json!({ "due": tick.scheduled_at, "revenue": counted.revenue }));
    Ok(counted)
}

async fn fail(_: Request, _: State) -> Result<String, Failure> {
    Err(Failure::internal("the database password is hunter2"))
}

async fn panic(_: Request, _: State) -> Result<String, Failure> {
    panic!("this ends the call, not the app");
}

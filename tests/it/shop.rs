//! The mixed shop from the outside: every api in every language, and events across languages.

use rohas::bus::Envelope;
use rohas::{Json, Subscription};
use serde_json::json;

use crate::client::{Answer, eventually, soon};
use crate::project::{App, shop};

const KEY: (&str, &str) = ("x-api-key", "demo-key");

async fn next(subscription: &mut Subscription) -> Envelope {
    let event = soon("the next event", subscription.next()).await;
    event.expect("the app runs")
}

async fn order(app: &App, customer: &str, product: i64, quantity: i64) -> Json {
    let items = json!([{ "productId": product, "quantity": quantity }]);
    let answer = app.post("/orders", json!({ "customer": customer, "items": items })).await;
    answer.expect(201)
}

async fn mails(app: &App, to: &str) -> Vec<String> {
    let mails = app.get(&format!("/mails?to={to}")).await.expect(200);
    let subject = |mail: &Json| mail["subject"].as_str().unwrap().to_owned();
    mails.as_array().unwrap().iter().map(subject).collect()
}

/// Waits for a mail; events come soon after the answer, not before it.
async fn mail(app: &App, to: &str, subject: &str) {
    let arrived = async || mails(app, to).await.iter().any(|s| s == subject).then_some(());
    eventually(&format!("the mail \"{subject}\" to {to}"), arrived).await;
}

async fn create(app: &App, headers: &[(&str, &str)], product: Json) -> Answer {
    app.send("POST", "/products", headers, &product.to_string()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_catalogue_takes_path_query_and_body() {
    let app = shop().await;
    let slugs = async |query: &str| -> Vec<String> {
        let products = app.get(&format!("/products{query}")).await.expect(200);
        let slug = |product: &Json| product["slug"].as_str().unwrap().to_owned();
        products.as_array().unwrap().iter().map(slug).collect()
    };
    assert_eq!(slugs("").await, ["tea-pot", "creme-brulee-torch", "desk-lamp"]);
    assert_eq!(slugs("?inStock=true").await, ["tea-pot", "creme-brulee-torch"]);
    assert_eq!(slugs("?tag=kitchen&limit=1").await, ["tea-pot"]);
    assert_eq!(slugs("?tag=f%69re").await, ["creme-brulee-torch"]);

    let torch = app.get("/products/2").await.expect(200);
    assert_eq!(torch["name"], "Crème Brûlée Torch");
    let missing = app.get("/products/99").await.expect(404);
    assert_eq!(missing, json!({ "message": "there is no product 99" }));

    let mut created = app.running.subscribe("ProductCreated").unwrap();
    let ink = json!({ "name": "Ink (black)", "price": 750 });
    let product = create(&app, &[KEY], ink.clone()).await.expect(201);
    let expected =
        json!({ "id": 4, "slug": "ink-black", "name": "Ink (black)", "price": 750, "stock": 0, "tags": [] });
    assert_eq!(product, expected);
    assert_eq!(*next(&mut created).await.payload, expected);
    let again = create(&app, &[KEY], ink).await.expect(409);
    assert_eq!(again["message"], "there is a product \"ink-black\" already");

    let deleted = app.send("DELETE", "/products/4", &[KEY], "").await;
    assert_eq!((deleted.status, deleted.body.as_str()), (204, ""));
    assert_eq!(deleted.header("content-type"), None);
    app.send("DELETE", "/products/4", &[KEY], "").await.expect(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_middleware_rejects_and_passes() {
    let app = shop().await;
    let refusal = json!({ "message": "an x-api-key header is needed" });
    assert_eq!(app.get("/admin/orders").await.expect(401), refusal);
    let wrong = app.send("GET", "/admin/orders", &[("x-api-key", "guess")], "").await;
    assert_eq!(wrong.expect(401), refusal);
    let passed = app.send("GET", "/admin/orders", &[KEY], "").await;
    assert_eq!(passed.expect(200), json!([]));
    // nothing happened behind a closed door
    let ink = json!({ "name": "Ink", "price": 1 });
    assert_eq!(create(&app, &[], ink).await.expect(401), refusal);
    app.get("/products/4").await.expect(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_travels_through_the_languages_exactly_once() {
    let app = shop().await;
    let mut placed = app.running.subscribe("OrderPlaced").unwrap();
    let mut issued = app.running.subscribe("InvoiceIssued").unwrap();
    let mut queued = app.running.subscribe("MailQueued").unwrap();

    let first = order(&app, "ada@example.com", 1, 2).await;
    assert_eq!(first["total"], 4980);
    assert_eq!(first["status"], "PLACED");
    let (placed, issued, queued) =
        (next(&mut placed).await, next(&mut issued).await, next(&mut queued).await);
    assert_eq!(*placed.payload, first);
    assert_eq!(&*placed.source, "/shop/api/CreateOrder");
    assert_eq!(issued.payload["number"], 1);
    assert_eq!(issued.payload["lines"], first["items"]);
    assert_eq!(issued.trace.causation_id, Some(placed.id));
    assert_eq!(queued.trace.causation_id, Some(issued.id));
    assert_eq!(queued.trace.correlation_id, placed.trace.correlation_id);

    // Each handler takes its events in order: whatever the first order caused is there once the second is through.
    mail(&app, "ada@example.com", "Your invoice 1").await;
    order(&app, "bob@example.com", 1, 1).await;
    mail(&app, "bob@example.com", "Your invoice 2").await;
    assert_eq!(mails(&app, "ada@example.com").await, ["Your invoice 1"]);
    assert_eq!(mails(&app, "bob@example.com").await, ["Your invoice 2"]);

    let id = first["id"].as_str().unwrap();
    let now = app.get(&format!("/orders/{id}")).await.expect(200);
    assert_eq!(now["status"], "INVOICED");
    let invoice = app.get(&format!("/orders/{id}/invoice")).await;
    assert_eq!(invoice.header("content-type"), Some("text/plain; charset=utf-8"));
    assert!(invoice.body.starts_with("Invoice 1 for ada@example.com\n"), "{invoice:?}");
    assert!(invoice.body.ends_with("Total: 49.80\n"), "{invoice:?}");
    let all = app.send("GET", "/admin/orders", &[KEY], "").await.expect(200);
    assert_eq!(all.as_array().unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_orders_at_once_lose_and_double_nothing() {
    let app = shop().await;
    let crate_of_ink = json!({ "name": "Ink", "price": 100, "stock": 150 });
    create(&app, &[KEY], crate_of_ink).await.expect(201);
    let client = app.client;
    let orders = (0..200).map(|n| {
        let items = json!([{ "productId": 4, "quantity": 1 }]);
        let body = json!({ "customer": format!("c{n}@example.com"), "items": items });
        tokio::spawn(async move { client.post("/orders", body).await.status })
    });
    let mut statuses = Vec::new();
    for order in orders.collect::<Vec<_>>() {
        statuses.push(soon("the order", order).await.unwrap());
    }
    let count = |status: u16| statuses.iter().filter(|known| **known == status).count();
    assert_eq!((count(201), count(409)), (150, 50), "{statuses:?}");

    let invoices = async || {
        let all = app.get("/mails").await.expect(200);
        let subject = |mail: &Json| mail["subject"].as_str().unwrap().to_owned();
        let all = all.as_array().unwrap().iter().map(subject);
        let mut invoices: Vec<String> = all.filter(|subject| subject.starts_with("Your")).collect();
        invoices.sort();
        (invoices.len() >= 150).then_some(invoices)
    };
    let mut invoices = eventually("every invoice is sent", invoices).await;
    invoices.dedup();
    assert_eq!(invoices.len(), 150);
    assert_eq!(app.get("/products/4").await.expect(200)["stock"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_order_publishes_nothing() {
    let app = shop().await;
    let mut placed = app.running.subscribe("OrderPlaced").unwrap();
    let mut low = app.running.subscribe("StockLow").unwrap();
    let place = async |product: i64, quantity: i64| {
        let items = json!([{ "productId": product, "quantity": quantity }]);
        app.post("/orders", json!({ "customer": "eve@example.com", "items": items })).await
    };
    let message = place(2, 4).await.expect(409);
    assert_eq!(message["message"], "only 3 of \"Crème Brûlée Torch\" left");
    place(99, 1).await.expect(404);
    let unknown = "/orders/00000000-0000-4000-8000-000000000000";
    app.get(unknown).await.expect(404);
    app.get(&format!("{unknown}/invoice")).await.expect(404);

    let order = order(&app, "ada@example.com", 2, 2).await;
    assert_eq!(next(&mut placed).await.payload["id"], order["id"]);
    assert_eq!(*next(&mut low).await.payload, json!({ "productId": 2, "left": 1 }));
    mail(&app, "purchasing@shop.example", "Restock Crème Brûlée Torch").await;
    assert_eq!(mails(&app, "eve@example.com").await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn rust_hears_of_orders_and_takes_payments() {
    let app = shop().await;
    let order = order(&app, "ada@example.com", 1, 1).await;
    let path = format!("/orders/{}/payments", order["id"].as_str().unwrap());
    let pay = async |amount: i64| app.post(&path, json!({ "amount": amount })).await;
    // The till hears of the order shortly after the client does.
    let known = async || (pay(1).await.status != 404).then_some(());
    eventually("the till knows the order", known).await;

    let short = pay(2000).await.expect(402);
    assert_eq!(short, json!({ "message": "that is not enough", "missing": 490 }));
    let payment = pay(2490).await.expect(201);
    assert_eq!(payment["orderId"], order["id"]);
    pay(2490).await.expect(409);
    mail(&app, "ada@example.com", "Thank you for your payment").await;
    let till = app.get("/till").await.expect(200);
    assert_eq!(till, json!({ "payments": 1, "revenue": 2490 }));
}

#[tokio::test(flavor = "multi_thread")]
async fn python_answers_from_dataclasses_and_coroutines() {
    let app = shop().await;
    let quote = app.post("/shipping/quotes", json!({ "country": "DE", "grams": 1500 })).await;
    assert_eq!(quote.expect(200), json!({ "country": "DE", "cents": 600, "days": 2 }));
    let nowhere = app.post("/shipping/quotes", json!({ "country": "AQ", "grams": 1 })).await;
    assert_eq!(nowhere.expect(404), json!({ "message": "nobody delivers to AQ" }));
    assert_eq!(app.get("/chat/nowhere/messages").await.expect(200), json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn typescript_fetches_where_it_may() {
    let app = shop().await;
    let probe = async |url: &str| app.get(&format!("/ops/probe?url={url}")).await;
    let up = probe(&format!("http://{}/healthz", app.client.0)).await.expect(200);
    assert_eq!(up["status"], 200);
    let sha256 = "dc51b8c96c2d745df3bd5590d990230a482fd247123599548e0632fdbf97fc22";
    assert_eq!(up["fingerprint"], sha256, "the SHA-256 of \"ok\\n\"");
    probe("http://example.com/").await.expect(403);
    probe("http://127.0.0.1:1/").await.expect(502);
    probe("not-a-url").await.expect(422);
}

#[tokio::test(flavor = "multi_thread")]
async fn crons_run_in_every_language() {
    let app = shop().await;
    let mut counted = app.running.subscribe("TillCounted").unwrap();
    order(&app, "ada@example.com", 1, 1).await;
    let event = next(&mut counted).await;
    assert_eq!(*event.payload, json!({ "payments": 0, "revenue": 0 }));
    assert_eq!(&*event.source, "/shop/cron/CountTill");
    let refreshed = async || {
        let report = app.get("/reports/sales").await.expect(200);
        (report["orders"] == 1).then_some(report)
    };
    let report = eventually("Python's cron has counted the order", refreshed).await;
    assert_eq!(report["revenue"], 2490);
}

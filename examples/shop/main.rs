//! A shop whose handlers are TypeScript, Python and Rust in one supervision tree: `cargo run --example shop`.

use std::io::IsTerminal;
use std::process::ExitCode;

use rohas::lang::v8;

mod rust;

const TRY: &str = r#"
  curl localhost:3000/products
  curl localhost:3000/orders --json '{"customer": "ada@example.com", "items": [{"productId": 1, "quantity": 2}]}'
  curl localhost:3000/mails                               # what Python sent after TypeScript and Python had their turn
  curl localhost:3000/orders/<id>/invoice                 # Python
  curl localhost:3000/orders/<id>/payments --json '{"amount": 4980}'      # Rust
  curl localhost:3000/products -H 'x-api-key: demo-key' --json '{"name": "Ink", "price": 100}'
  curl localhost:3000/demo/loop/typescript                # 504 after a second, and life goes on
  curl localhost:3000/demo/exit/python                    # 503, and the interpreter is replaced
  curl localhost:3000/metrics
"#;

fn main() -> ExitCode {
    v8::init_platform(); // on the main thread, before there are others
    let colour = std::io::stderr().is_terminal();
    tracing_subscriber::fmt().with_ansi(colour).with_writer(std::io::stderr).init();
    let runtime = tokio::runtime::Runtime::new().expect("the system has threads left");
    runtime.block_on(run())
}

async fn run() -> ExitCode {
    let till = rust::Till::default();
    let app = match rust::shop(&till).build() {
        Ok(app) => app,
        Err(error) => {
            eprintln!("{}\nerror: {error}", error.render(true));
            return ExitCode::FAILURE;
        }
    };
    let running = match app.start().await {
        Ok(running) => running,
        Err(error) => {
            error.lines().iter().for_each(|line| eprintln!("  × {line}"));
            eprintln!("error: {error}");
            return ExitCode::FAILURE;
        }
    };
    till.follow(&running);
    println!("listening on http://{}\n{TRY}\n{}", running.http_addr(), running.tree());
    match running.run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

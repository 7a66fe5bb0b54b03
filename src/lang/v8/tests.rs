//! Tests against the real engine: every test boots its own isolate over a project in a temporary directory.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;
use uuid::Uuid;

use crate::invocation::{Failure, HandlerId, Invocation, Json, Kind, Outcome, Reply, Trace};
use crate::lang::{FileHandler, Problem, Runtime, Worker};
use crate::schema::Schema;

use super::{Config, V8};

/// Longer than anything here takes on a loaded machine; a test that reaches it has failed.
const PATIENCE: Duration = Duration::from_secs(60);

/// A project in a directory of its own, removed at the end.
struct Project {
    root: PathBuf,
    handlers: Vec<FileHandler>,
    config: Config,
    schema: Arc<Schema>,
}

impl Drop for Project {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.root);
    }
}

impl Project {
    fn new() -> Self {
        let root = std::env::temp_dir().join(format!("rohas-v8-{}", Uuid::new_v4().simple()));
        std::fs::create_dir_all(&root).unwrap();
        Project { root, handlers: Vec::new(), config: Config::default(), schema: Arc::default() }
    }

    /// Writes a file.
    fn file(self, path: &str, text: &str) -> Self {
        let path = self.root.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
        self
    }

    /// Declares the handler `name` of `kind` in a file that is written elsewhere.
    fn declare(mut self, kind: Kind, name: &str, path: &str) -> Self {
        self.handlers.push(FileHandler {
            id: HandlerId::new(kind, name),
            path: self.root.join(path),
            functions: vec!["handler".into(), "default".into(), name.into()],
        });
        self
    }

    /// Gives the project a schema, and the code that is generated from it.
    fn schema(mut self, text: &str) -> Self {
        let file = crate::schema::SourceFile { path: "test.ro".into(), text: text.into() };
        let (schema, diagnostics) = crate::schema::compile(&[file]);
        assert!(
            diagnostics.iter().all(|found| found.severity != crate::schema::Severity::Error),
            "{diagnostics:?}"
        );
        let target = crate::codegen::Target::TypeScript;
        for file in crate::codegen::generate(&schema, target, &crate::codegen::Config::default()) {
            self = self.file(&format!("src/generated/{}", file.path.display()), &file.text);
        }
        self.schema = Arc::new(schema);
        self
    }

    /// Writes the file of an api handler.
    fn api(self, name: &str, text: &str) -> Self {
        let path = format!("src/handlers/api/{name}.ts");
        self.file(&path, text).declare(Kind::Api, name, &path)
    }

    async fn try_boot(&self) -> Result<Arc<dyn Worker>, Vec<Problem>> {
        let v8 =
            V8::new(self.config.clone(), self.root.clone(), self.handlers.clone(), Arc::clone(&self.schema));
        tokio::time::timeout(PATIENCE, v8.boot()).await.expect("booted in time")
    }

    async fn boot(&self) -> Arc<dyn Worker> {
        self.try_boot().await.expect("boots")
    }
}

fn invocation(kind: Kind, name: &str, arguments: Vec<Json>) -> Arc<Invocation> {
    Arc::new(Invocation {
        id: Uuid::now_v7(),
        handler: HandlerId::new(kind, name),
        arguments,
        deadline: Instant::now() + Duration::from_secs(30),
        attempt: 1,
        trace: Trace::root(),
    })
}

fn request(body: Json) -> Json {
    json!({
        "params": {"id": 7, "method": "param"}, "body": body, "query": {}, "query_params": {"q": "x"}, "headers": {},
        "cookies": {}, "method": "POST", "path": "/x", "client_addr": "127.0.0.1:1",
    })
}

async fn call(worker: &Arc<dyn Worker>, name: &str, body: Json) -> Outcome {
    let invoked = worker.invoke(invocation(Kind::Api, name, vec![request(body)]));
    tokio::time::timeout(PATIENCE, invoked).await.expect("answered in time")
}

/// Calls and returns the value.
async fn value(worker: &Arc<dyn Worker>, name: &str, body: Json) -> Json {
    call(worker, name, body).await.expect("succeeds").value
}

#[tokio::test]
async fn a_handler_echoes_its_request() {
    let project = Project::new().api(
        "Echo",
        "export async function handler(req: any, state: any): Promise<unknown> {
           return { body: req.body, id: req.id, method: req.method, q: req.queryParams, from: req.clientAddr };
         }",
    );
    let worker = project.boot().await;
    let answer = value(&worker, "Echo", json!({"a": [1, 2.5, null, "ü"]})).await;
    assert_eq!(
        answer,
        json!({
            "body": {"a": [1, 2.5, null, "ü"]}, "id": 7, "method": "POST", "q": {"q": "x"}, "from": "127.0.0.1:1",
        })
    );
}

#[tokio::test]
async fn node_timers_and_crypto_work() {
    let project = Project::new().api(
        "Crypto",
        "import { createHash } from 'node:crypto';
         import { setTimeout as wait } from 'node:timers/promises';
         export default async (req: { body: string }) => {
           await wait(1);
           await new Promise((done) => setTimeout(done, 1));
           return createHash('sha256').update(req.body).digest('hex');
         };",
    );
    let worker = project.boot().await;
    assert_eq!(
        value(&worker, "Crypto", json!("abc")).await,
        json!("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    );
}

#[tokio::test]
async fn packages_of_node_modules_load() {
    let project = Project::new()
        .file("package.json", r#"{"name": "app", "dependencies": {"old": "1.0.0", "new": "1.0.0"}}"#)
        .file("node_modules/old/package.json", r#"{"name": "old", "version": "1.0.0", "main": "lib/main"}"#)
        .file(
            "node_modules/old/lib/main.js",
            "const part = require('./part'); const { EOL } = require('os'); exports.shout = (s) => part(s) + EOL;",
        )
        .file("node_modules/old/lib/part.js", "module.exports = (s) => s.toUpperCase();")
        .file(
            "node_modules/new/package.json",
            r#"{"name": "new", "version": "1.0.0", "type": "module", "exports": {".": "./index.js", "./deep": "./deep.mjs"}}"#,
        )
        .file("node_modules/new/index.js", "export { whisper } from './deep.mjs';")
        .file("node_modules/new/deep.mjs", "export const whisper = (s) => s.toLowerCase();")
        .api(
            "Npm",
            "import { shout } from 'old';
             import { whisper } from 'new';
             import * as deep from 'new/deep';
             export const handler = (req: any) => [shout(req.body), whisper(req.body), deep.whisper === whisper];",
        );
    let worker = project.boot().await;
    assert_eq!(value(&worker, "Npm", json!("aB")).await, json!(["AB\n", "ab", true]));
}

#[tokio::test]
async fn project_modules_resolve_without_extension() {
    let project = Project::new()
        .file("src/lib/util.ts", "export const one: number = 1;")
        .file("src/lib/parts/index.ts", "export const two = 2;")
        .file("src/lib/user.model.mts", "export const three = 3;")
        .file("src/lib/four.tsx", "export const four = 4;")
        .file("src/lib/data.json", r#"{"five": 5}"#)
        .file("src/lib/six.cjs", "exports.six = 6;")
        .file("src/lib/seven.js", "module.exports = { seven: 7 };")
        .api(
            "Paths",
            "import { one } from '../../lib/util';
             import { two } from '../../lib/parts';
             import { three } from '../../lib/user.model';
             import { four } from '../../lib/four.js';
             import data from '../../lib/data.json';
             import again from '../../lib/data.json' with { type: 'json' };
             import { six } from '../../lib/six.cjs';
             import { seven } from '../../lib/seven';
             import type { Missing } from '../../lib/missing';
             export const handler = () => [one, two, three, four, data.five, again.five, six, seven];",
        );
    let worker = project.boot().await;
    assert_eq!(value(&worker, "Paths", Json::Null).await, json!([1, 2, 3, 4, 5, 5, 6, 7]));
}

#[tokio::test]
async fn a_thrown_error_tells_its_source_line() {
    let project = Project::new().api(
        "Throw",
        "interface Some { field: string }
type Other = { a: Some } | null;

class NotFound extends Error {
  constructor(public what: string, readonly other?: Other) {
    super(`no ${what}`);
  }
}

export async function handler(req: any): Promise<never> {
  if (req.body === 'string') throw 'just text';
  if (req.body === 'object') throw { code: 3 };
  if (req.body === 'builtin') return (null as any).field;
  await null;
  throw new NotFound('thing');
}",
    );
    let worker = project.boot().await;
    let raised = async |body: &str| match call(&worker, "Throw", json!(body)).await {
        Err(Failure::Raised { name, message, stack, body }) => (name, message, stack, body),
        other => panic!("{other:?}"),
    };
    let (name, message, stack, body) = raised("").await;
    assert_eq!((name.as_str(), message.as_str()), ("NotFound", "no thing"));
    assert_eq!(body, json!({"what": "thing", "message": "no thing"}));
    assert!(stack.contains("src/handlers/api/Throw.ts:15:9"), "{stack}");

    let (name, message, stack, _) = raised("builtin").await;
    assert_eq!(name, "TypeError", "{message}");
    assert!(stack.contains("Throw.ts:13:") && !stack.contains("ext:rohas"), "{stack}");

    let (name, message, _, body) = raised("string").await;
    assert_eq!((name.as_str(), message.as_str()), ("Error", "just text"));
    assert_eq!(body, json!({"message": "just text"}));

    let (name, message, _, body) = raised("object").await;
    assert_eq!((name.as_str(), message.as_str()), ("Object", r#"{"code":3}"#));
    assert_eq!(body, json!({"code": 3, "message": r#"{"code":3}"#}));
}

#[tokio::test]
async fn effects_travel_with_the_answer() {
    let project = Project::new().api(
        "Effects",
        "export const handler = (_req: any, state: any) => {
           const payload = { at: new Date(0) };
           const { triggerEvent, set_payload } = state;
           set_payload('created', payload);
           payload.at = new Date(1);
           triggerEvent('first', [1n]);
           state.trigger_event('second');
           state.setPayload('created', 2);
         };",
    );
    let worker = project.boot().await;
    let reply = call(&worker, "Effects", Json::Null).await.unwrap();
    let mut expected = Reply::default();
    expected.effects.payloads =
        vec![("created".into(), json!({"at": "1970-01-01T00:00:00.000Z"})), ("created".into(), json!(2))];
    expected.effects.triggers = vec![("first".into(), json!([1])), ("second".into(), Json::Null)];
    assert_eq!(reply, expected);
}

#[tokio::test]
async fn values_json_does_not_know_are_converted() {
    let project = Project::new().api(
        "Convert",
        "class Point { #hidden = 1; constructor(public x: number, public y: number) {} get sum() { return this.x; } }
         export const handler = () => ({
           date: new Date(0), map: new Map<any, any>([['a', new Map([[1, new Set([1n])]])]]), set: new Set([1, 'b']),
           bytes: new Uint8Array([1, 2, 255]), buffer: Buffer.from('hi'), small: 9007199254740991n,
           big: 9007199254740993n, point: new Point(1, 2), gone: undefined, nan: NaN, url: new URL('http://a/b'),
         });",
    );
    let worker = project.boot().await;
    assert_eq!(
        value(&worker, "Convert", Json::Null).await,
        json!({
            "date": "1970-01-01T00:00:00.000Z", "map": {"a": {"1": [1]}}, "set": [1, "b"], "bytes": "AQL/",
            "buffer": "aGk=", "small": 9_007_199_254_740_991_i64, "big": 9_007_199_254_740_993_i64,
            "point": {"x": 1, "y": 2}, "nan": null, "url": "http://a/b",
        })
    );
}

#[tokio::test]
async fn what_cannot_be_converted_is_raised() {
    let project = Project::new().api(
        "Cycle",
        "export const handler = (req: any) => {
           if (req.body === 'surrogate') return '\\ud800';
           const cycle: any = {}; cycle.cycle = cycle; return cycle;
         };",
    );
    let worker = project.boot().await;
    for body in ["cycle", "surrogate"] {
        let ended = call(&worker, "Cycle", json!(body)).await;
        assert!(matches!(&ended, Err(Failure::Raised { name, .. }) if name == "TypeError"), "{ended:?}");
    }
    assert!(worker.accepting());
}

#[tokio::test]
async fn a_web_response_gives_head_and_body() {
    let project = Project::new().api(
        "Respond",
        "export const handler = (req: any) => {
           if (req.body === 'json') return Response.json({ a: 1 }, { status: 201, headers: { 'x-a': 'b' } });
           if (req.body === 'empty') return new Response(null, { status: 204 });
           return new Response('plain', { headers: [['set-cookie', 'a=1'], ['set-cookie', 'b=2']] });
         };",
    );
    let worker = project.boot().await;
    let json = call(&worker, "Respond", json!("json")).await.unwrap();
    let head = json.response.unwrap();
    assert_eq!((head.status, json.value), (201, json!({"a": 1})));
    assert!(head.headers.contains(&("x-a".into(), "b".into())), "{head:?}");
    let empty = call(&worker, "Respond", json!("empty")).await.unwrap();
    assert_eq!((empty.response.unwrap().status, empty.value), (204, Json::Null));
    let plain = call(&worker, "Respond", Json::Null).await.unwrap();
    assert_eq!(plain.value, json!("plain"));
    let cookies = plain.response.unwrap().headers;
    assert_eq!(cookies.iter().filter(|(name, _)| name == "set-cookie").count(), 2);
}

#[tokio::test]
async fn every_kind_gets_its_arguments() {
    let show = "export const handler = (event: any, state: any) =>
        [event.user, event.name, event.correlationId, event.payload.name, state.attempt, state.traceId.length];";
    let project = Project::new()
        .file("event.ts", show)
        .declare(Kind::Event, "made", "event.ts")
        .file("cron.ts", "export const handler = (tick: any) => [tick.scheduledAt, tick.name, tick.attempt];")
        .declare(Kind::Cron, "Nightly", "cron.ts")
        .file(
            "ws.ts",
            "export default {
               prefix: 'got ',
               'Chat.on_message'(message: any, connection: any, state: any) {
                 return [this.prefix + message.text, connection.id, typeof state.logger.warning];
               },
             };",
        )
        .declare(Kind::Ws, "Chat.on_message", "ws.ts");
    let worker = project.boot().await;
    let invoke =
        async |kind, name, arguments| worker.invoke(invocation(kind, name, arguments)).await.unwrap().value;
    let event = json!({
        "id": "1", "name": "made", "time": "t", "payload": {"user": 5, "name": "n"}, "attempt": 1,
        "correlation_id": "c", "causation_id": null,
    });
    assert_eq!(invoke(Kind::Event, "made", vec![event]).await, json!([5, "made", "c", "n", 1, 32]));
    let tick = json!({"scheduled_at": "s", "name": "Nightly", "attempt": 2});
    assert_eq!(invoke(Kind::Cron, "Nightly", vec![tick]).await, json!(["s", "Nightly", 2]));
    let arguments = vec![json!({"text": "hi"}), json!({"id": "k"})];
    assert_eq!(invoke(Kind::Ws, "Chat.on_message", arguments).await, json!(["got hi", "k", "function"]));
}

#[tokio::test]
async fn integers_beyond_a_number_are_refused() {
    let project = Project::new().api("Echo", "export const handler = (req: any) => req.body;");
    let worker = project.boot().await;
    let body =
        json!({"safe": 9_007_199_254_740_991_i64, "deep/er": [0, -9_007_199_254_740_992_i64], "b": u64::MAX});
    match call(&worker, "Echo", body).await {
        Err(Failure::BadRequest(violations)) => {
            let found: Vec<_> = violations.iter().map(|v| (v.path.as_str(), v.code)).collect();
            assert_eq!(found, [("/body/deep~1er/1", "type"), ("/body/b", "type")]);
        }
        other => panic!("{other:?}"),
    }
    let safe = json!(-9_007_199_254_740_991_i64);
    assert_eq!(value(&worker, "Echo", safe.clone()).await, safe);
}

#[tokio::test]
async fn awaiting_calls_overlap() {
    let project = Project::new().api(
        "Meet",
        "let waiting: ((text: string) => void) | null = null;
         export const handler = (req: any) => {
           if (waiting === null) return new Promise((done) => { waiting = done; });
           waiting('met ' + req.body);
           return 'came second';
         };",
    );
    let worker = project.boot().await;
    // Each can only end because the other runs meanwhile.
    let (first, second) =
        tokio::join!(call(&worker, "Meet", json!("first")), call(&worker, "Meet", json!("second")));
    assert_eq!(first.unwrap().value, json!("met second"));
    assert_eq!(second.unwrap().value, json!("came second"));
}

#[tokio::test]
async fn dropping_a_call_aborts_its_signal() {
    let project = Project::new().api(
        "Wait",
        "let begun = () => {}; const running = new Promise<void>((done) => { begun = done; });
         let ended: (text: string) => void = () => {}; const end = new Promise<string>((done) => { ended = done; });
         export const handler = async (req: any, state: any) => {
           if (req.body === 'begun') return await running;
           if (req.body === 'end') return await end;
           state.signal.addEventListener('abort', () => ended(state.signal.reason.name));
           begun();
           await new Promise(() => {});
         };",
    );
    let worker = project.boot().await;
    let abandoned = {
        let worker = Arc::clone(&worker);
        tokio::spawn(async move { call(&worker, "Wait", json!("wait")).await })
    };
    value(&worker, "Wait", json!("begun")).await;
    abandoned.abort();
    assert_eq!(value(&worker, "Wait", json!("end")).await, json!("AbortError"));
    assert!(worker.accepting());
}

#[tokio::test]
async fn a_busy_loop_condemns_the_isolate() {
    let project = Project::new().api(
        "Loop",
        "export const handler = async (req: any) => {
           if (req.body === 'wait') return await new Promise(() => {});
           console.log('looping');
           while (true) {}
         };",
    );
    let (lines, _log) = Lines::collect();
    let worker = project.boot().await;
    let spawn = |body: &'static str| {
        let worker = Arc::clone(&worker);
        tokio::spawn(async move { call(&worker, "Loop", json!(body)).await })
    };
    let (bystander, looping) = (spawn("wait"), spawn("loop"));
    lines.wait_for("looping").await;
    looping.abort();
    let reason = tokio::time::timeout(PATIENCE, worker.exited()).await.unwrap();
    assert!(reason.contains("busy"), "{reason}");
    assert_eq!(bystander.await.unwrap(), Err(Failure::Crashed(reason.clone())));
    assert!(!worker.accepting());
    assert_eq!(call(&worker, "Loop", Json::Null).await, Err(Failure::Crashed(reason)));
}

#[tokio::test]
async fn running_out_of_memory_condemns_only_the_isolate() {
    for fill in [
        "const a = []; while (true) a.push({ a: [a.length] });",
        "const a = new Array(20_000_000).fill(0.5); return a.length;",
        "let s = 'abc'; while (true) { s = s + s.slice(1) + '\u{fc}'; s.charCodeAt(s.length - 1); }",
        "const a = []; while (true) { a.push(new Array(10000).fill(1)); await null; }",
        "const a = []; while (true) a.push(JSON.parse('[' + '[1,2],'.repeat(100000) + '1]'));",
        "const a: any[] = []; setInterval(() => { while (true) a.push('x'.repeat(1 << 28) + a.length), JSON.stringify(a); });
         await new Promise(() => {});",
    ] {
        let source = format!("export const handler = async () => {{ {fill} }};");
        let mut project = Project::new().api("Fill", &source);
        project.config.heap_limit_mb = 48;
        let worker = boot_watched(&project).await;
        let invoked = worker.invoke(invocation(Kind::Api, "Fill", vec![request(Json::Null)]));
        let ended = tokio::time::timeout(PATIENCE, invoked).await.expect("ends in time");
        assert_eq!(ended, Err(Failure::Crashed("out of memory".into())), "{fill}");
        assert_eq!(worker.exited().await, "out of memory");
        let gone = worker.calls().gone.cancelled();
        tokio::time::timeout(PATIENCE, gone).await.expect("the thread ends");
    }
}

#[tokio::test]
async fn exit_fails_the_call_only() {
    let project = Project::new().api(
        "Exit",
        "import process from 'node:process';
         export const handler = (req: any) => {
           if (req.body === 'deno') Deno.exit(3);
           if (req.body === 'node') process.exit(3);
           if (req.body === 'really') (process as any).reallyExit(3);
           if (req.body === 'abort') process.abort();
           if (req.body === 'worker') new Worker('data:text/javascript,1', { type: 'module' });
           return 'alive';
         };",
    );
    let worker = project.boot().await;
    for body in ["deno", "node", "really", "abort", "worker"] {
        let ended = call(&worker, "Exit", json!(body)).await;
        assert!(
            matches!(&ended, Err(Failure::Raised { message, .. }) if message.contains("cannot")),
            "{body}: {ended:?}"
        );
    }
    assert_eq!(value(&worker, "Exit", Json::Null).await, json!("alive"));
}

#[tokio::test]
async fn unhandled_errors_do_not_end_the_isolate() {
    let project = Project::new().api(
        "Stray",
        "import process from 'node:process';
         export const handler = async () => {
           Promise.reject(new Error('stray rejection'));
           setTimeout(() => { throw new Error('in a timer'); }, 0);
           process.nextTick(() => { throw new Error('in a tick'); });
           queueMicrotask(() => { throw new Error('in a microtask'); });
           await new Promise((done) => setTimeout(done, 5));
           console.log('still', { here: 1 });
           return 'fine';
         };",
    );
    let worker = project.boot().await;
    assert_eq!(value(&worker, "Stray", Json::Null).await, json!("fine"));
    assert_eq!(value(&worker, "Stray", Json::Null).await, json!("fine"));
    assert!(worker.accepting());
}

#[tokio::test]
async fn fetch_reaches_granted_hosts() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut head = [0; 1024];
            let _ = socket.read(&mut head).await;
            let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nhi";
            let _ = socket.write_all(answer).await;
        }
    });
    let mut project = Project::new().api(
        "Fetch",
        "import process from 'node:process';
         export const handler = async (req: any) => {
           if (req.body === 'env') return process.env.HOME;
           return await (await fetch(req.body)).text();
         };",
    );
    let worker = project.boot().await;
    for body in [format!("http://{address}/"), "env".into()] {
        let denied = call(&worker, "Fetch", json!(body)).await;
        assert!(matches!(&denied, Err(Failure::Raised { name, .. }) if name == "NotCapable"), "{denied:?}");
    }
    project.config.permissions.net = vec!["127.0.0.1".into()];
    let worker = project.boot().await;
    assert_eq!(value(&worker, "Fetch", json!(format!("http://{address}/"))).await, json!("hi"));
    // TLS is there: it fails only because the server does not speak it.
    let plain = call(&worker, "Fetch", json!(format!("https://{address}/"))).await;
    assert!(matches!(&plain, Err(Failure::Raised { name, .. }) if name == "TypeError"), "{plain:?}");
}

/// Collects what handlers log, as `level handler message fields`.
#[derive(Clone, Default)]
struct Lines(Arc<parking_lot::Mutex<Vec<String>>>);

impl Lines {
    /// Collects for as long as the guard lives, from isolates booted meanwhile.
    fn collect() -> (Self, tracing::subscriber::DefaultGuard) {
        use tracing_subscriber::layer::SubscriberExt;

        let lines = Lines::default();
        let log = tracing::subscriber::set_default(tracing_subscriber::registry().with(lines.clone()));
        (lines, log)
    }

    /// Waits for a line with `text`.
    async fn wait_for(&self, text: &str) {
        let seen = async {
            while !self.0.lock().iter().any(|line| line.contains(text)) {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, seen).await.expect("logged in time");
    }
}

impl tracing::field::Visit for Lines {
    fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn std::fmt::Debug) {
        if let Some(line) = self.0.lock().last_mut() {
            line.push_str(&format!(" {}={value:?}", field.name()));
        }
    }
}

impl<S: tracing::Subscriber> tracing_subscriber::Layer<S> for Lines {
    fn on_event(&self, event: &tracing::Event<'_>, _: tracing_subscriber::layer::Context<'_, S>) {
        if event.metadata().target() == "handler" {
            self.0.lock().push(event.metadata().level().to_string());
            event.record(&mut self.clone());
        }
    }
}

#[tokio::test]
async fn log_lines_name_their_call() {
    let (lines, _log) = Lines::collect();
    let project = Project::new().api(
        "Log",
        "console.log('at load');
         export const handler = async (_req: any, state: any) => {
           const { logger } = state;
           logger.warning('careful', { at: new Date(0), cause: new Error('why') });
           await null;
           console.error('printed %d', 5, { a: [1] });
           console.debug('fine');
           Promise.reject(new Error('stray'));
           setTimeout(() => { throw new Error('late'); }, 0);
           await new Promise((done) => setTimeout(done, 5));
         };",
    );
    let worker = project.boot().await;
    let invocation = invocation(Kind::Api, "Log", vec![request(Json::Null)]);
    worker.invoke(Arc::clone(&invocation)).await.unwrap();
    let lines = lines.0.lock().clone();
    let expected = [
        ("INFO", "message=at load", ""),
        ("WARN", "message=careful", "1970-01-01T00:00:00.000Z"),
        ("ERROR", "message=printed 5 { a: [ 1 ] }", ""),
        ("DEBUG", "message=fine", ""),
        ("ERROR", "message=unhandled rejection", "stray"),
        ("ERROR", "message=uncaught error", "late"),
    ];
    assert_eq!(lines.len(), expected.len(), "{lines:#?}");
    for (number, (line, (level, message, detail))) in lines.iter().zip(expected).enumerate() {
        let found = line.starts_with(level) && line.contains(message) && line.contains(detail);
        assert!(found, "{line} is not {level} {message} {detail}");
        let (handler, id) = (r#"handler="api Log""#, invocation.id.to_string());
        // The module is loaded outside of any call, and nobody knows whose timer threw.
        let inside = (1..5).contains(&number);
        assert_eq!(inside, line.contains(handler) && line.contains(&id), "{line}");
    }
    assert!(lines[1].contains("Log.ts:4:") && lines[1].contains("Error: why"), "{}", lines[1]);
}

#[tokio::test]
async fn the_state_knows_the_call() {
    let project = Project::new().api(
        "State",
        "export const handler = (_req: any, state: any) =>
           [state.deadline instanceof Date, state.deadline.getTime() - Date.now(), state.signal.aborted, state.trace_id];",
    );
    let worker = project.boot().await;
    let invocation = invocation(Kind::Api, "State", vec![request(Json::Null)]);
    let answer = worker.invoke(Arc::clone(&invocation)).await.unwrap().value;
    assert_eq!((&answer[0], &answer[2]), (&json!(true), &json!(false)));
    assert!((1..=30_000).contains(&answer[1].as_i64().unwrap()), "{answer}");
    assert_eq!(answer[3], json!(*invocation.trace.trace_id));
}

#[tokio::test]
async fn an_endless_chain_of_microtasks_condemns_the_isolate() {
    let mut project = Project::new().api(
        "Spin",
        "export const handler = async (req: any) => {
           if (req.body === 'wait') return await new Promise(() => {});
           console.log('spinning');
           while (true) await null;
         };",
    );
    project.config.max_concurrency = 2;
    let (lines, _log) = Lines::collect();
    let worker = project.boot().await;
    let spawn = |body: &'static str| {
        let worker = Arc::clone(&worker);
        tokio::spawn(async move { call(&worker, "Spin", json!(body)).await })
    };
    let spinning = spawn("spin");
    lines.wait_for("spinning").await;
    // More than there are places; those that never get a place must end, too.
    let waiting = [spawn("wait"), spawn("wait"), spawn("wait")];
    spinning.abort();
    let reason = tokio::time::timeout(PATIENCE, worker.exited()).await.unwrap();
    assert!(reason.contains("busy"), "{reason}");
    for waiting in waiting {
        assert_eq!(waiting.await.unwrap(), Err(Failure::Crashed(reason.clone())));
    }
}

#[tokio::test]
async fn many_calls_take_turns_on_few_places() {
    let mut project = Project::new().api(
        "Count",
        "let now = 0; let most = 0;
         export const handler = async () => {
           most = Math.max(most, ++now);
           await new Promise((done) => setTimeout(done, 1));
           now--;
           return most;
         };",
    );
    project.config.max_concurrency = 3;
    let worker = project.boot().await;
    let all = (0..20).map(|_| value(&worker, "Count", Json::Null));
    let most = futures_util::future::join_all(all).await;
    assert_eq!(most.last(), Some(&json!(3)));
}

#[tokio::test]
async fn permissions_are_denied_unless_granted() {
    let source = "export const handler = async (req: any) => {
        if (req.body === 'import') return await import('/etc/hostname.json');
        if (req.body === 'text') return await import('../../../package.json', { with: { type: 'text' } });
        return await Deno.readTextFile(req.body);
    };";
    let mut project =
        Project::new().file("package.json", "{}").file("data/a.txt", "content").api("Read", source);
    let path = project.root.join("data/a.txt").to_str().unwrap().to_owned();
    let worker = project.boot().await;
    for body in [path.as_str(), "text"] {
        let ended = call(&worker, "Read", json!(body)).await;
        assert!(
            matches!(&ended, Err(Failure::Raised { name, message, .. }) if name == "NotCapable" || message.contains("read access")),
            "{ended:?}"
        );
    }
    project.config.permissions.read = vec![project.root.to_str().unwrap().to_owned()];
    let worker = project.boot().await;
    assert_eq!(value(&worker, "Read", json!(path)).await, json!("content"));
}

#[tokio::test]
async fn boot_tells_all_problems_at_once() {
    let project = Project::new()
        .api("Syntax", "export const handler = () => {\n  const = 1;\n};")
        .api("NoFunction", "export const other = () => 1; export const handlers = 2;")
        .api("Throws", "const x: number = 1;\n\nthrow new Error('at load');")
        .api("Import", "import { a } from './nowhere';\nexport const handler = a;")
        .api("Package", "import a from 'no-such-package';\nexport const handler = a;")
        .api("Export", "import { nothing } from './Fine';\nexport const handler = nothing;")
        .file("src/handlers/api/Plain.js", "export const handler = () => {\n  let 1;\n};")
        .declare(Kind::Api, "Plain", "src/handlers/api/Plain.js")
        .api("Fine", "export const handler = () => 1;");
    let problems = project.try_boot().await.err().expect("does not boot");
    let messages: Vec<&str> = problems.iter().map(|problem| problem.message.as_str()).collect();
    let text = messages.join("\n---\n");
    assert_eq!(problems.len(), 7, "{text}");
    for part in [
        "src/handlers/api/Syntax.ts:2:9",
        "src/handlers/api/NoFunction.ts has no function for api NoFunction: tried handler, default, NoFunction; \
         it exports handlers, other",
        "at load",
        "src/handlers/api/Throws.ts:3:7",
        "\"./nowhere\"",
        "src/handlers/api/Import.ts:1:19",
        "no-such-package",
        "src/handlers/api/Package.ts:1:15",
        "'nothing'",
        "src/handlers/api/Export.ts:1:10",
        "src/handlers/api/Plain.js:2:",
    ] {
        assert!(text.contains(part), "{part} is missing:\n{text}");
    }
}

/// Boots an isolate whose thread can be watched.
async fn boot_watched(project: &Project) -> super::worker::IsolateWorker {
    let v8 = V8::new(project.config.clone(), project.root.clone(), project.handlers.clone(), Arc::default());
    super::isolate::boot(v8.setup, 4).await.expect("boots")
}

#[tokio::test]
async fn stop_ends_the_thread() {
    let project = Project::new().api(
        "Busy",
        "export const handler = () => { setInterval(() => { while (true) {} }, 0); while (true) {} };",
    );
    let worker = boot_watched(&project).await;
    let calls = Arc::clone(worker.calls());
    let busy = tokio::spawn(worker.invoke(invocation(Kind::Api, "Busy", vec![request(Json::Null)])));
    worker.stop();
    assert!(matches!(busy.await.unwrap(), Err(Failure::Crashed(_))));
    assert_eq!(worker.exited().await, "stopped");
    tokio::time::timeout(PATIENCE, calls.gone.cancelled()).await.expect("the thread ends");
}

#[cfg(unix)]
#[tokio::test]
async fn a_project_behind_a_symlink_works() {
    let mut project = Project::new()
        .file("real/node_modules/dep/index.js", "module.exports = require('./part.js') + prompt('?');")
        .file("real/node_modules/dep/part.js", "module.exports = 'part ';")
        .file("real/src/lib.ts", "export const lib = 'lib';");
    std::os::unix::fs::symlink(project.root.join("real"), project.root.join("link")).unwrap();
    let root = project.root.join("link");
    project = project
        .file(
            "real/a.ts",
            "import dep from 'dep'; import { lib } from './src/lib'; export default () => [dep, lib];",
        )
        .declare(Kind::Api, "Linked", "link/a.ts");
    project.config.heap_limit_mb = 0;
    let v8 = V8::new(project.config.clone(), root, project.handlers.clone(), Arc::default());
    let worker = v8.boot().await.expect("boots");
    assert_eq!(value(&worker, "Linked", Json::Null).await, json!(["part null", "lib"]));
}

#[tokio::test]
async fn dropping_the_boot_ends_the_thread() {
    let project = Project::new().api("Hang", "while (true) {}\nexport const handler = () => 1;");
    let v8 = V8::new(project.config.clone(), project.root.clone(), project.handlers.clone(), Arc::default());
    let setup = Arc::downgrade(&v8.setup);
    let mut booting = v8.boot();
    drop(v8);
    // The first poll starts the thread; nothing but the thread and the future hold the setup.
    assert!(futures_util::poll!(&mut booting).is_pending());
    drop(booting);
    let ended = async {
        while setup.strong_count() != 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, ended).await.expect("the thread ends");
}

#[tokio::test]
async fn a_handler_cannot_signal_the_process_and_may_listen_for_signals_in_vain() {
    let project = Project::new().api(
        "Kill",
        "import process from 'node:process';
         process.on('SIGTERM', () => {});
         Deno.addSignalListener('SIGHUP', () => {});
         const attempt = (f: () => unknown) => { try { f(); return 'sent'; } catch (error) { return String(error); } };
         export const handler = () => [
           attempt(() => process.kill(process.pid, 'SIGKILL')),
           attempt(() => Deno.kill(Deno.pid, 'SIGKILL')),
         ];",
    );
    let worker = project.boot().await;
    let told = value(&worker, "Kill", Json::Null).await;
    for place in 0..2 {
        let told = told[place].as_str().unwrap();
        assert!(told.contains("a handler cannot send signals"), "{told}");
    }
}

#[tokio::test]
async fn modules_do_not_read_what_is_not_theirs() {
    let project = Project::new().api(
        "Leak",
        "import { createRequire } from 'node:module';
         import Module from 'node:module';
         const refused = async (f: () => unknown) => { try { await f(); return 'read'; } catch { return 'refused'; } };
         export const handler = async (req: any) => {
           const root = req.body;
           const raw = (path: string) => (Module as any)._extensions['.js']({ _compile() {} }, path);
           return [
             await refused(() => import(`file://${root}/src%2f..%2f..%2f${root.split('/').pop()}.json`)),
             await refused(() => raw(`${root}/../../../../../../etc/passwd`)),
             await refused(() => raw(`${root}/.env`)),
           ];
         };",
    );
    std::fs::write(project.root.join(".env"), "SECRET=1").unwrap();
    let outside = project.root.with_extension("json");
    std::fs::write(&outside, "{}").unwrap();
    let worker = project.boot().await;
    let told = value(&worker, "Leak", json!(project.root)).await;
    std::fs::remove_file(&outside).unwrap();
    assert_eq!(told, json!(["refused", "refused", "refused"]));
}

#[tokio::test]
async fn a_binary_response_fails_instead_of_arriving_broken() {
    let source = "export const handler = () => new Response(new Uint8Array([0x89, 0x50, 0xff]));";
    let worker = Project::new().api("Png", source).boot().await;
    let failure = call(&worker, "Png", Json::Null).await.unwrap_err();
    assert!(matches!(&failure, Failure::Raised { name, .. } if name == "TypeError"), "{failure:?}");
}

#[tokio::test]
async fn a_call_that_never_got_its_turn_does_not_condemn_the_isolate() {
    let project = Project::new()
        .api("Work", "export const handler = () => { const t = Date.now(); while (Date.now() - t < 600); return 'done'; };")
        .api("Echo", "export const handler = (req: any) => req.body;");
    let worker = project.boot().await;
    let mut work = Box::pin(value(&worker, "Work", Json::Null));
    assert!(futures_util::poll!(&mut work).is_pending());
    for _ in 0..2 {
        // Waits behind the work and gives up at once.
        let mut impatient = Box::pin(call(&worker, "Echo", json!(1)));
        assert!(futures_util::poll!(&mut impatient).is_pending());
    }
    assert_eq!(work.await, "done");
    assert_eq!(value(&worker, "Echo", json!(2)).await, 2);
    assert!(worker.accepting());
}

#[tokio::test]
async fn generated_errors_carry_their_name_and_exactly_their_body() {
    let project = Project::new().schema(include_str!("../../../tests/codegen/errors.ro")).api(
        "Fail",
        r#"import { NotFound, Conflict, Awkward, Limited, PaymentRequired, type FailRequest } from "../../generated/api/Fail.ts";
           import { Gone } from "../../generated/errors.ts";
           import { ApiError } from "../../generated/runtime.ts";
           class NoSuchUser extends NotFound { constructor(readonly user: number) { super(`no user ${user}`); } }
           const errors: Record<string, () => Error> = {
             text: () => new NotFound("not there"),
             object: () => new NotFound({ message: "not there" }, { cause: new Error("why") }),
             derived: () => new NoSuchUser(7),
             more: () => new Conflict({ message: "taken", id: 1, with: { message: "inner", id: 2 }, at: null }),
             gone: () => new Gone({ since: "2024-05-01", tags: ["a"] }),
             awkward: () => new Awkward(
               { name: "n", stack: [1], cause: "c", message: 5, toString: true, constructor: null, body: "b" }),
             empty: () => new Limited({ retryAfter: 30 }),
             untyped: () => new PaymentRequired({ price: 5 }),
             bare: () => new PaymentRequired(),
             checks: () => {
               const error = new Conflict({ message: "m", id: 3 });
               const holds = error instanceof Conflict && error instanceof ApiError && error instanceof Error
                 && error.id === 3 && error.message === "m" && error.name === "Conflict"
                 && new Awkward({ name: "n", stack: null, cause: "c", message: 5, toString: true, body: "b" }).body === "b";
               return new NotFound(String(holds));
             },
           };
           export const handler = (req: FailRequest) => { throw errors[String(req.body)]!(); };"#,
    );
    let worker = project.boot().await;
    let table = [
        ("text", "NotFound", json!({"message": "not there"})),
        ("object", "NotFound", json!({"message": "not there"})),
        ("derived", "NotFound", json!({"message": "no user 7"})),
        (
            "more",
            "Conflict",
            json!({"message": "taken", "id": 1, "with": {"message": "inner", "id": 2}, "at": null}),
        ),
        ("gone", "Gone", json!({"since": "2024-05-01", "tags": ["a"]})),
        (
            "awkward",
            "Awkward",
            json!({
                "name": "n", "stack": [1], "cause": "c", "message": 5, "toString": true, "constructor": null, "body": "b",
            }),
        ),
        ("empty", "Limited", json!({"retryAfter": 30})),
        ("untyped", "PaymentRequired", json!({"price": 5})),
        ("bare", "PaymentRequired", json!({})),
        ("checks", "NotFound", json!({"message": "true"})),
    ];
    for (which, expected, exactly) in table {
        let failure = call(&worker, "Fail", json!(which)).await.unwrap_err();
        let Failure::Raised { name, body, stack, .. } = failure else { panic!("{which}: {failure:?}") };
        assert_eq!((name.as_str(), body), (expected, exactly), "{which}");
        assert!(stack.contains("Fail.ts:"), "{which}: {stack}");
    }
}

fn ledger(number: &str) -> Json {
    let text = r##"{"id": #, "parent": null, "plain": 1, "maybe": [null, {"amount": #}],
        "entries": [{"amount": #, "children": [{"amount": 5}, {"amount": #}]}],
        "byName": {"a/b": {"amount": #}, "__proto__": {"amount": #}},
        "nested": {"deep": [{"amount": 1}, {"amount": #}]}}"##;
    serde_json::from_str(&text.replace('#', number)).unwrap()
}

#[tokio::test]
async fn declared_bigints_are_exact_wherever_they_stand() {
    let project = Project::new().schema(include_str!("../../../tests/codegen/bigint.ro")).api(
        "PutLedger",
        r#"import { Stale, type PutLedgerHandler } from "../../generated/api/PutLedger.ts";
           export const handler: PutLedgerHandler = (req) => {
             const { body } = req;
             const all = [req.id, req.params.id, req.query.after, req.headers["x-version"], body.id, body.entries[0]!.amount,
               body.entries[0]!.children![0]!.amount, body.byName["a/b"]!.amount, body.nested.deep[1]!.amount, body.maybe[1]!.amount];
             if (!all.every((value) => typeof value === "bigint")) throw new Error(String(all.map((value) => typeof value)));
             if (typeof body.plain !== "number" || body.parent !== null) throw new Error("not as declared");
             if (req.query.limit === 1) throw new Stale({ message: "stale", version: body.id });
             return { ...body, id: body.id + 0n };
           };"#,
    );
    let worker = project.boot().await;
    let send = async |limit: u64, body: Json| {
        let mut request = request(body);
        request["params"] = json!({"id": i64::MAX});
        request["query"] = json!({"after": 1, "limit": limit});
        request["headers"] = json!({"x-version": 2});
        worker.invoke(invocation(Kind::Api, "PutLedger", vec![request])).await
    };
    for number in ["9223372036854775807", "-9223372036854775808", "9007199254740993", "0", "-1"] {
        assert_eq!(send(20, ledger(number)).await.unwrap().value, ledger(number), "{number}");
    }
    let Failure::Raised { body, .. } = send(1, ledger("9007199254740993")).await.unwrap_err() else {
        panic!()
    };
    assert_eq!(body, json!({"message": "stale", "version": 9_007_199_254_740_993_i64}));

    let mut plain = ledger("1");
    plain["plain"] = json!(9_007_199_254_740_993_i64);
    let Failure::BadRequest(violations) = send(20, plain).await.unwrap_err() else { panic!() };
    assert_eq!(violations.len(), 1);
    assert_eq!((violations[0].path.as_str(), violations[0].code), ("/body/plain", "type"));
}

#[tokio::test]
async fn bigints_reach_events_and_sockets() {
    let project = Project::new()
        .schema(include_str!("../../../tests/codegen/bigint.ro"))
        .file(
            "src/handlers/events/audit_ledger.ts",
            r#"import type { LedgerChangedHandler } from "../../generated/events/LedgerChanged.ts";
               export const handler: LedgerChangedHandler = (event, state) => {
                 state.triggerEvent("LedgerChanged", event.payload);
                 return [typeof event.id, typeof event.payload.id, event.entries[0]!.amount];
               };"#,
        )
        .declare(Kind::Event, "audit_ledger", "src/handlers/events/audit_ledger.ts")
        .file(
            "src/handlers/websockets/on_entry.ts",
            r#"import type { LedgersMessageHandler } from "../../generated/websockets/Ledgers.ts";
               export const handler: LedgersMessageHandler = (message, connection) =>
                 [message.amount, connection.params.id, connection.clientAddr, connection.queryParams["q"]];"#,
        )
        .declare(Kind::Ws, "Ledgers.on_entry", "src/handlers/websockets/on_entry.ts");
    let worker = project.boot().await;
    let big = 9_007_199_254_740_993_i64;
    let event =
        json!({"id": "x", "name": "LedgerChanged", "payload": ledger(&big.to_string()), "attempt": 1});
    let reply = worker.invoke(invocation(Kind::Event, "audit_ledger", vec![event])).await.unwrap();
    assert_eq!(reply.value, json!(["string", "bigint", big]));
    assert_eq!(reply.effects.triggers, [("LedgerChanged".to_owned(), ledger(&big.to_string()))]);

    let connection =
        json!({"id": "c", "params": {"id": big}, "query_params": {"q": "x"}, "client_addr": "a:1"});
    let arguments = vec![json!({"amount": big}), connection.clone()];
    let reply = worker.invoke(invocation(Kind::Ws, "Ledgers.on_entry", arguments)).await.unwrap();
    assert_eq!(reply.value, json!([big, big, "a:1", "x"]));
}

#[tokio::test]
async fn a_middleware_gets_exact_integers_and_a_rounded_result_is_no_integer() {
    let project = Project::new()
        .file(
            "src/middlewares/pass.ts",
            "export const handler = (req: any) => ({ body: { same: req.body.big === 9007199254740993n, ...req.body } });",
        )
        .declare(Kind::Middleware, "pass", "src/middlewares/pass.ts")
        .api("Round", "export const handler = () => [2 ** 53, -(2 ** 60), 2 ** 53 - 1, 1e300, 2n ** 70n, 0.5];");
    let worker = project.boot().await;
    let big = 9_007_199_254_740_993_i64;
    let passed =
        worker.invoke(invocation(Kind::Middleware, "pass", vec![request(json!({"big": big, "small": 1}))]));
    assert_eq!(passed.await.unwrap().value, json!({"body": {"same": true, "big": big, "small": 1}}));
    let rounded = value(&worker, "Round", Json::Null).await;
    assert_eq!(
        rounded,
        json!([
            9_007_199_254_740_992.0,
            -1_152_921_504_606_846_976.0,
            9_007_199_254_740_991_i64,
            1e300,
            "1180591620717411303424",
            0.5
        ])
    );
}

#[tokio::test]
async fn only_integers_have_to_be_exact() {
    let schema = "type T { f: Float  fs: Float[]  i: Int  j: Json }
        api Take { method: POST  path: \"/take\"  body: T  response: String[] }
        api Untyped { method: POST  path: \"/untyped\"  response: String }";
    let handler =
        "export const handler = (req: any) => Object.values(req.body).map((value) => typeof value);";
    let project = Project::new().schema(schema).api("Take", handler).api("Untyped", handler);
    let worker = project.boot().await;
    let large = 1_u64 << 60;
    let body = json!({"f": large, "fs": [large], "i": 1, "j": 1});
    assert_eq!(value(&worker, "Take", body).await, json!(["number", "object", "number", "number"]));
    for (api, body, path) in [
        ("Take", json!({"i": large}), "/body/i"),
        ("Take", json!({"j": {"deep": [0, large]}}), "/body/j/deep/1"),
        ("Untyped", json!([large]), "/body/0"),
    ] {
        let Failure::BadRequest(violations) = call(&worker, api, body).await.unwrap_err() else {
            panic!("{path}")
        };
        let paths: Vec<&str> = violations.iter().map(|violation| violation.path.as_str()).collect();
        assert_eq!(paths, [path]);
    }
}

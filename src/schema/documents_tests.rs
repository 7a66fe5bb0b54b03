//! What the documents say of each part of the model. That they are well formed is for tests/it/documents.rs.

use serde_json::json;

use super::{Json, Schema, SourceFile, Type, asyncapi, compile, json_schema, json_schema_of, openapi};

fn schema(text: &str) -> Schema {
    compile(&[SourceFile { path: "t.ro".to_owned(), text: text.to_owned() }]).0
}

/// Writes one field.
fn field(declared: &str) -> Json {
    let text = format!("enum E {{ A B }} type N {{ n Int? }} type T {{ x {declared} }}");
    json_schema(&schema(&text))["$defs"]["T"]["properties"]["x"].take()
}

// One table, longer than a screen.
#[allow(clippy::too_many_lines)]
#[test]
fn fields_are_described() {
    let int =
        |min: i64, max: i64| json!({ "type": "integer", "format": "int64", "minimum": min, "maximum": max });
    let table = [
        ("String", json!({ "type": "string" })),
        ("String?", json!({ "type": ["string", "null"] })),
        (
            "String @optional @length(1, 3)",
            json!({ "type": ["string", "null"], "minLength": 1, "maxLength": 3 }),
        ),
        ("String @length(0, 3)", json!({ "type": "string", "maxLength": 3 })),
        ("String @format(email)", json!({ "type": "string", "format": "email" })),
        ("String @pattern(\"^\\\\d$\")", json!({ "type": "string", "pattern": "^[0-9]$" })),
        (
            "String @pattern(\"(?i)a\")",
            json!({ "type": "string", "x-rohas-pattern": "(?i)a",
                "description": "Matches the regular expression of Rust `(?i)a`." }),
        ),
        ("Int", int(i64::MIN, i64::MAX)),
        ("Int @min(1) @max(3)", int(1, 3)),
        ("Float @min(-0.5)", json!({ "type": "number", "format": "double", "minimum": -0.5 })),
        ("Boolean @default(true)", json!({ "type": "boolean", "default": true })),
        (
            "DateTime @default(now)",
            json!({ "type": "string", "format": "date-time", "x-rohas-default": "now" }),
        ),
        ("Date", json!({ "type": "string", "format": "date" })),
        (
            "Uuid @id @auto",
            json!({ "type": "string", "format": "uuid", "x-rohas-id": true, "readOnly": true }),
        ),
        (
            "Decimal @max(0.5)",
            json!({ "type": "string", "format": "decimal", "pattern": "^-?[0-9]+(\\.[0-9]+)?$", "x-rohas-maximum": 0.5 }),
        ),
        ("Json", json!({})),
        ("Json?", json!({})),
        ("E", json!({ "$ref": "#/$defs/E" })),
        ("E?", json!({ "anyOf": [{ "$ref": "#/$defs/E" }, { "type": "null" }] })),
        ("E @default(B)", json!({ "allOf": [{ "$ref": "#/$defs/E" }], "default": "B" })),
        (
            "N? @deprecated(\"why\")",
            json!({ "anyOf": [{ "$ref": "#/$defs/N" }, { "type": "null" }],
                "description": "Deprecated: why", "deprecated": true }),
        ),
        (
            "String @secret @unique",
            json!({ "type": "string", "x-rohas-unique": true, "x-rohas-secret": true }),
        ),
        (
            "String?[] @length(2)",
            json!({ "type": "array", "items": { "type": ["string", "null"] }, "maxItems": 2 }),
        ),
        (
            "Map<Json>? @length(1, 2)",
            json!({ "type": ["object", "null"], "additionalProperties": {}, "minProperties": 1, "maxProperties": 2 }),
        ),
        (
            "{ a: String, b: Date? }",
            json!({ "type": "object", "required": ["a"],
                "properties": { "a": { "type": "string" }, "b": { "type": ["string", "null"], "format": "date" } } }),
        ),
    ];
    for (declared, expected) in table {
        assert_eq!(field(declared), expected, "{declared}");
    }
    let bytes = field("Bytes @length(1, 4)");
    assert_eq!((&bytes["minLength"], &bytes["maxLength"]), (&json!(4), &json!(8)));
    assert_eq!((&bytes["contentEncoding"], &bytes["x-rohas-max-bytes"]), (&json!("base64"), &json!(4)));
}

#[test]
fn what_may_be_left_out_is_not_required() {
    let schema = schema(
        "/// Doc.\ntype T { a Int  b Int?  c Int @default(1)  d Int @id @auto  /// Field.\n e Json }
        enum E { /// First.\n A B }",
    );
    let document = json_schema(&schema);
    assert_eq!(document["$schema"], "https://json-schema.org/draft/2020-12/schema");
    let shape = &document["$defs"]["T"];
    assert_eq!((&shape["required"], &shape["description"]), (&json!(["a", "e"]), &json!("Doc.")));
    assert_eq!(shape["properties"]["e"]["description"], "Field.");
    let expected = json!({ "type": "string", "enum": ["A", "B"], "description": "- `A`: First.",
        "x-enum-descriptions": ["First.", ""] });
    assert_eq!(document["$defs"]["E"], expected);
    let list = json_schema_of(&schema, &Type::List(Box::new(Type::Named("E".to_owned()))));
    assert_eq!((&list["items"]["$ref"], list["$defs"].as_object().unwrap().len()), (&json!("#/$defs/E"), 1));
}

#[test]
fn operations_have_parameters_bodies_and_answers() {
    let schema = schema(
        "type In { a Int }  type Gone { message String }
        /// Moves.\n/// Far.
        api Move { method: POST path: \"/a/:id/{*rest}\" params: { id: Int } query: { tags: String[], at: Date? }
          headers: { \"X-Key\": String } body: In? response: Map<In> status: 202
          errors: { 410: Gone, 422: Gone, 418: Teapot } middlewares: [auth] }
        api Ping { method: GET path: \"/ping\" }
        api Peek { method: HEAD path: \"/ping\" response: In }",
    );
    let document = openapi(&schema, "t", "1");
    let path = &document["paths"]["/a/{id}/{rest}"];
    let operation = &path["post"];
    assert_eq!(
        (&operation["summary"], &operation["description"]),
        (&json!("Moves."), &json!("Moves.\nFar."))
    );
    let parameters: Vec<String> = operation["parameters"]
        .as_array()
        .unwrap()
        .iter()
        .map(|given| format!("{} {} {}", given["in"], given["name"], given["required"]).replace('"', ""))
        .collect();
    let expected =
        ["path id true", "path rest true", "query tags true", "query at null", "header x-key true"];
    assert_eq!(parameters, expected);
    assert_eq!(operation["parameters"][1]["x-rohas-rest"], true);
    // A parameter is never null.
    assert_eq!(operation["parameters"][3]["schema"], json!({ "type": "string", "format": "date" }));
    assert_eq!(operation["requestBody"]["required"], false);
    let statuses = |operation: &Json| -> Vec<String> {
        operation["responses"].as_object().unwrap().keys().cloned().collect()
    };
    let all = ["202", "400", "408", "410", "413", "415", "418", "422", "500", "503", "504"];
    assert_eq!(statuses(operation), all);
    let declared = &operation["responses"]["410"]["content"]["application/json"];
    assert_eq!(
        (&declared["example"]["message"], &declared["schema"]["$ref"]),
        (&json!("gone"), &json!("#/components/schemas/Gone"))
    );
    let both = operation["responses"]["422"]["content"].as_object().unwrap();
    assert_eq!(both.keys().collect::<Vec<_>>(), ["application/json", "application/problem+json"]);
    assert_eq!(statuses(&document["paths"]["/ping"]["get"]), ["204", "400", "500", "503", "504"]);
    assert_eq!(document["paths"]["/ping"]["head"]["responses"]["200"].get("content"), None);
    assert!(document["components"]["responses"]["Unavailable"]["headers"]["Retry-After"].is_object());
}

#[test]
fn examples_of_huge_types_end() {
    // Every level holds the next ten times: 10^8 values in all.
    let levels: String = (0..9)
        .map(|level| {
            let fields: String = (0..10).map(|field| format!("f{field} T{} ", level + 1)).collect();
            format!("type T{level} {{ {fields} }}\n")
        })
        .collect();
    let text =
        format!("{levels} type T9 {{ x Int }} api A {{ method: GET path: \"/\" errors: {{ 404: T0 }} }}");
    let document = openapi(&schema(&text), "t", "1");
    let declared = &document["paths"]["/"]["get"]["responses"]["404"]["content"]["application/json"];
    assert_eq!(
        (declared.get("example"), &declared["schema"]["$ref"]),
        (None, &json!("#/components/schemas/T0"))
    );
}

#[test]
fn channels_have_messages_and_operations() {
    let schema = schema(
        "type In { a Int }
        event Chat { payload: In handler: [keep] key: \"a\" triggers: [Done] }  event Done {}
        ws Chat { path: \"/c/{room}/{n}\" params: { n: Int } message: In onMessage: [say] triggers: [Chat] }",
    );
    let document = asyncapi(&schema, "t", "1");
    let channels: Vec<&String> = document["channels"].as_object().unwrap().keys().collect();
    assert_eq!(channels, ["Chat", "Done", "ChatWebSocket"]);
    let operations: Vec<&String> = document["operations"].as_object().unwrap().keys().collect();
    assert_eq!(
        operations,
        ["sendChat", "receiveChat", "sendDone", "receiveChatWebSocket", "sendChatWebSocket"]
    );
    assert_eq!(document["operations"]["sendChat"]["x-rohas-triggered-by"], json!(["ws Chat"]));
    assert_eq!(document["operations"]["sendDone"]["x-rohas-triggered-by"], json!(["event Chat"]));
    assert_eq!(document["operations"]["receiveChat"]["x-rohas-triggers"], json!(["Done"]));
    let socket = &document["channels"]["ChatWebSocket"];
    assert_eq!(
        (&socket["address"], &socket["parameters"]["n"]["description"]),
        (&json!("/c/{room}/{n}"), &json!("Int, as text"))
    );
    assert_eq!(document["channels"]["Done"]["messages"]["Done"], json!({ "name": "Done" }));
}

#[test]
fn one_path_has_one_set_of_names() {
    let text = "api Get { method: GET path: \"/users/{id}\" params: { id: Int } response: Int }
                api Delete { method: DELETE path: \"/users/{user}\" params: { user: Int } }";
    let document = openapi(&schema(text), "t", "1");
    let paths = document["paths"].as_object().unwrap();
    assert_eq!(paths.keys().collect::<Vec<_>>(), ["/users/{id}"]);
    let parameter = &paths["/users/{id}"]["delete"]["parameters"][0];
    assert_eq!((&parameter["name"], &parameter["x-rohas-name"]), (&json!("id"), &json!("user")));
}

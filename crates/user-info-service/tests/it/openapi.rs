//! `/openapi.json`: it is there, it is whole, and it says what the code says. That the server keeps to it, schemathesis checks.

use serde_json::Value;
use user_info_service::batch::BATCH_IDS_MAX;
use user_info_service::fields::Field;
use user_info_service::request::IDS_MAX;

use crate::http::Connection;
use crate::server::World;

/// Every reference within the description.
fn references(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(object) => {
            found.extend(object.get("$ref").and_then(Value::as_str).map(str::to_owned));
            object.values().for_each(|inner| references(inner, found));
        }
        Value::Array(items) => items.iter().for_each(|inner| references(inner, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn the_description_is_served_whole_and_can_be_validated() {
    let world = World::new();
    let server = world.start();
    let mut connection = Connection::open(server.public);
    let answer = connection.get("/openapi.json");
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
    let tag = answer.header("etag").unwrap().to_owned();
    assert_eq!(connection.request("GET", "/openapi.json", &[("if-none-match", &tag)]).status, 304);
    let description = answer.json();
    assert_eq!(description["openapi"], "3.1.0");
    let mut found = Vec::new();
    references(&description, &mut found);
    assert!(found.len() > 10, "{found:?}");
    for reference in found {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(description.pointer(pointer).is_some(), "{reference} leads nowhere");
    }
}

#[test]
fn the_description_says_what_the_code_says() {
    let description: Value = serde_json::from_slice(&user_info_service::openapi::document()).unwrap();
    let schemas = &description["components"]["schemas"];
    let fields: Vec<Value> = Field::ALL.iter().map(|field| field.name().into()).collect();
    assert_eq!(schemas["Field"]["enum"], Value::from(fields));
    assert_eq!(schemas["User"]["properties"].as_object().unwrap().len(), Field::ALL.len());
    assert_eq!(schemas["Batch"]["properties"]["ids"]["maxItems"], BATCH_IDS_MAX);
    let users = &description["paths"]["/users"]["get"];
    assert_eq!(users["parameters"][0]["schema"]["maxItems"], IDS_MAX);
    let statuses: Vec<&str> = users["responses"].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(statuses, ["200", "304", "400", "403", "404", "413", "414", "429", "431", "500", "503"]);
    let kinds = &users["responses"]["404"]["content"]["application/problem+json"]["schema"]["allOf"][1];
    let unknown = ["urn:user-info:problem:unknown-user", "urn:user-info:problem:user-deactivated"];
    assert_eq!(kinds["properties"]["type"]["enum"], serde_json::json!(unknown));
}

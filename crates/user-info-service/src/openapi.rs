//! `/openapi.json`: the description of what the public address answers, as OpenAPI 3.1. Pure.
//!
//! It is made of the same constants, fields and problems that answer requests, so that it cannot say anything else. What
//! each route answers beside its success is its list of problems.

mod schemas;

use std::sync::LazyLock;

use bytes::Bytes;
use serde_json::{Map, Value, json};

use crate::answer::Problem;
use crate::batch::{BATCH_BYTES_MAX, BATCH_IDS_MAX};
use crate::request::{BATCH_PATH, IDS_MAX};

/// Where the description is.
pub const OPENAPI_PATH: &str = "/openapi.json";

const INTRODUCTION: &str = "Everything a user page shows about a user. Times are RFC 3339 in UTC, fields that are not set are \
    null. Every answer says how old its data is, and up to which offsets of the topics it is whole.";

/// An id as clients see it most.
const EXAMPLE_ID: &str = "12";

/// The description, made once.
pub fn document() -> Bytes {
    static DOCUMENT: LazyLock<Bytes> = LazyLock::new(|| crate::answer::json(&description()));
    DOCUMENT.clone()
}

fn description() -> Value {
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "User Information Service",
            "version": env!("CARGO_PKG_VERSION"),
            "description": INTRODUCTION,
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "servers": [{ "url": "/" }],
        "paths": paths(),
        "components": { "schemas": schemas::all(), "headers": headers() },
    })
}

/// The paths by name. Those of other interfaces are added here, each by a function that returns its entry.
fn paths() -> Map<String, Value> {
    let paths = [
        ("/users/{user_id}", user()),
        ("/users/{user_id}/events", events()),
        ("/users", users()),
        (BATCH_PATH, batch()),
        (OPENAPI_PATH, openapi()),
    ];
    paths.into_iter().map(|(path, item)| (path.to_owned(), item)).collect()
}

fn user() -> Value {
    let parameters = json!([user_id(), fields_parameter(), if_none_match()]);
    both("user", "One user by id", &parameters, &one_user())
}

fn one_user() -> Map<String, Value> {
    let success = [("200", success("The user", "User", true)), ("304", not_modified())];
    responses(success, &[asking(), withholding(), reading()].concat())
}

fn user_id() -> Value {
    json!({
        "name": "user_id", "in": "path", "required": true, "schema": reference("schemas", "UserId"),
        "example": EXAMPLE_ID,
    })
}

/// A stream has no shape that OpenAPI could state; its events are in words.
fn events() -> Value {
    let last_event_id = json!({
        "name": "last-event-id", "in": "header", "schema": { "type": "string" },
        "description": "The id of the last event: the record comes only if it is another one by now",
    });
    let stream = json!({
        "description": "Server-sent events without an end: `user` with the user as GET gives them, now and after each change of what \
            was asked for; \
            `withheld` and `unknown` when they cannot be shown any more. Comments break the silence",
        "headers": answer_headers(false),
        "content": { "text/event-stream": { "schema": { "type": "string" } } },
    });
    let problems = [asking(), withholding(), reading(), vec![Problem::TooManyStreams]].concat();
    json!({ "get": {
        "operationId": "events",
        "summary": "One user by id, and each change from then on",
        "parameters": [user_id(), fields_parameter(), last_event_id],
        "responses": responses([("200", stream)], &problems),
    } })
}

fn users() -> Value {
    let ids = json!({ "type": "array", "minItems": 1, "maxItems": IDS_MAX, "items": reference("schemas", "UserId") });
    let parameters = json!([
        listed("ids", "The ids. Either these or a username", ids),
        {
            "name": "username", "in": "query", "schema": reference("schemas", "Username"), "example": "ada",
            "description": "The name, in any case. Either this or ids",
        },
        fields_parameter(),
        if_none_match(),
    ]);
    let success =
        [("200", success("The users, or the one of this name", "UserOrUsers", true)), ("304", not_modified())];
    let problems = [asking(), withholding(), reading()].concat();
    both("users", "Several users by id, or one by name", &parameters, &responses(success, &problems))
}

fn batch() -> Value {
    let problems = [asking(), reading(), batch_problems()].concat();
    let post = json!({
        "operationId": "batch",
        "summary": format!("Up to {BATCH_IDS_MAX} users by id"),
        "requestBody": {
            "required": true,
            "description": format!("At most {BATCH_BYTES_MAX} bytes"),
            "content": { "application/json": {
                "schema": reference("schemas", "Batch"),
                "example": { "ids": [EXAMPLE_ID], "fields": ["name", "profile_image_url"] },
            } },
        },
        "responses": responses([("200", success("The users", "Users", false))], &problems),
    });
    let parameters = json!([fields_parameter(), if_none_match()]);
    let mut item = both("user_batch", "The user whose id is batch", &parameters, &one_user());
    item["post"] = post;
    item
}

fn openapi() -> Value {
    let ok = json!({
        "description": "This description",
        "headers": answer_headers(true),
        "content": { "application/json": { "schema": { "type": "object" } } },
    });
    let answers = responses([("200", ok), ("304", not_modified())], &asking());
    both("openapi", "This description", &json!([if_none_match()]), &answers)
}

/// An operation for GET, and the same for HEAD, whose answers have no body.
fn both(id: &str, summary: &str, parameters: &Value, answers: &Map<String, Value>) -> Value {
    let mut bare = answers.clone();
    bare.values_mut().filter_map(Value::as_object_mut).for_each(|answer| drop(answer.remove("content")));
    let operation = |id: String, answers: &Map<String, Value>| json!({ "operationId": id, "summary": summary, "parameters": parameters, "responses": answers });
    json!({ "get": operation(id.to_owned(), answers), "head": operation(format!("{id}_head"), &bare) })
}

/// What may become of a request to any path.
fn asking() -> Vec<Problem> {
    let detail = String::new();
    vec![
        Problem::BadRequest { detail: detail.clone() },
        Problem::TooLarge { detail },
        Problem::RateLimited { retry_after: 1 },
        Problem::Late,
        Problem::Overloaded,
    ]
}

/// Why a user is not shown.
fn withholding() -> Vec<Problem> {
    let user = || user_info_core::Id::new("1").expect("a number is an id");
    let unknown = Problem::UnknownUser { asked: String::new() };
    vec![unknown, Problem::Suspended(user()), Problem::Deactivated(user())]
}

/// Why the store cannot tell.
fn reading() -> Vec<Problem> {
    vec![Problem::NotCaughtUp, Problem::StoreUnavailable, Problem::StoreFailed]
}

fn batch_problems() -> Vec<Problem> {
    vec![Problem::UnsupportedMediaType { detail: String::new() }, Problem::SlowBody]
}

/// The answers by status: those given, and the problems, those of one status together.
fn responses<const N: usize>(success: [(&str, Value); N], problems: &[Problem]) -> Map<String, Value> {
    let mut answers: Map<String, Value> = success.into_iter().map(|(status, it)| (status.to_owned(), it)).collect();
    for problem in problems {
        let status = problem.status();
        let same: Vec<&Problem> = problems.iter().filter(|other| other.status() == status).collect();
        answers.insert(status.as_str().to_owned(), problem_answer(&same));
    }
    answers.insert("414".into(), json!({ "description": "The address is too long. Without a body" }));
    answers.insert("431".into(), json!({ "description": "The head of the request is too large. Without a body" }));
    answers
}

fn problem_answer(problems: &[&Problem]) -> Value {
    let titles: Vec<&str> = problems.iter().map(|problem| problem.title()).collect();
    let types: Vec<String> = problems.iter().map(|problem| problem.kind()).collect();
    let mut headers = answer_headers(false);
    if problems.iter().any(|problem| problem.retry_after().is_some()) {
        headers.insert("retry-after".into(), reference("headers", "RetryAfter"));
    }
    json!({
        "description": titles.join(", "),
        "headers": headers,
        "content": { "application/problem+json": { "schema": {
            "allOf": [reference("schemas", "Problem"), { "properties": {
                "type": { "enum": types },
                "status": { "const": problems[0].status().as_u16() },
            } }],
        } } },
    })
}

fn success(description: &str, schema: &str, validated: bool) -> Value {
    json!({
        "description": description,
        "headers": answer_headers(validated),
        "content": { "application/json": { "schema": reference("schemas", schema) } },
    })
}

fn not_modified() -> Value {
    json!({ "description": "What the client has is still right", "headers": answer_headers(true) })
}

fn headers() -> Value {
    let header =
        |description: &str, schema: Value| json!({ "description": description, "required": true, "schema": schema });
    json!({
        "ETag": header("Changes with the body; weak if the body is packed", json!({ "type": "string" })),
        "Age": header(
            "Age of the data in milliseconds, 0 while everything published is read; unknown before all was read once",
            json!({ "type": "string", "pattern": "^([0-9]+|unknown)$" }),
        ),
        "Positions": header(
            "The next offset of each partition: the answer holds every fact below these",
            json!({ "type": "string" }),
        ),
        "RetryAfter": {
            "description": "Seconds after which to ask again, where asking again helps",
            "schema": { "type": "integer" },
        },
    })
}

/// The headers of every answer, and that of one that can be validated.
fn answer_headers(validated: bool) -> Map<String, Value> {
    let mut headers = Map::new();
    headers.insert(crate::public::AGE_HEADER.as_str().into(), reference("headers", "Age"));
    headers.insert(crate::public::POSITIONS_HEADER.as_str().into(), reference("headers", "Positions"));
    if validated {
        headers.insert("etag".into(), reference("headers", "ETag"));
    }
    headers
}

fn fields_parameter() -> Value {
    let schema = json!({ "type": "array", "minItems": 1, "items": reference("schemas", "Field") });
    listed("fields", "Only these fields of each user, in the order of the answer; all without it", schema)
}

/// A parameter whose values stand behind each other, with commas.
fn listed(name: &str, description: &str, schema: Value) -> Value {
    json!({
        "name": name, "in": "query", "style": "form", "explode": false, "description": description, "schema": schema,
    })
}

fn if_none_match() -> Value {
    json!({
        "name": "if-none-match", "in": "header", "schema": { "type": "string" },
        "description": "The etag of what the client has: answered 304 if it is still right",
    })
}

fn reference(kind: &str, name: &str) -> Value {
    json!({ "$ref": format!("#/components/{kind}/{name}") })
}

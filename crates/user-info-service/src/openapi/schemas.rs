//! The shapes of bodies and parameters, as JSON Schema 2020-12.

use serde_json::{Map, Value, json};
use user_info_core::id::MAX_ID_BYTES;
use user_info_core::profile::MAX_USERNAME_BYTES;

use super::reference;
use crate::batch::BATCH_IDS_MAX;
use crate::fields::Field;

/// What an id may consist of, written as ECMA-262 and Python read it.
const ID_PATTERN: &str = r"^[^/{},\s\u0000-\u001f\u007f-\u009f]+$";

pub(super) fn all() -> Value {
    json!({
        "UserId": {
            "type": "string", "minLength": 1, "maxLength": MAX_ID_BYTES, "pattern": ID_PATTERN,
            "description": format!("Opaque text of at most {MAX_ID_BYTES} bytes in UTF-8"),
        },
        "Username": {
            "type": "string", "minLength": 1, "maxLength": MAX_USERNAME_BYTES, "pattern": r"^[^\s\u0000-\u001f\u007f-\u009f]+$",
            "description": format!("At most {MAX_USERNAME_BYTES} bytes in UTF-8"),
        },
        "Field": { "type": "string", "enum": Field::ALL.map(Field::name) },
        "User": user(),
        "Users": users(),
        "UserOrUsers": { "anyOf": [reference("schemas", "User"), reference("schemas", "Users")] },
        "Batch": batch(),
        "Problem": problem(),
    })
}

fn user() -> Value {
    let properties: Map<String, Value> =
        Field::ALL.into_iter().map(|field| (field.name().to_owned(), schema_of(field))).collect();
    json!({
        "type": "object",
        "description": "All fields, or those that were asked for",
        "properties": properties,
        "minProperties": 1,
        "additionalProperties": false,
    })
}

fn schema_of(field: Field) -> Value {
    match field {
        Field::UserId => reference("schemas", "UserId"),
        Field::Username => reference("schemas", "Username"),
        Field::Name => json!({ "type": "string" }),
        Field::Bio | Field::Location | Field::Url | Field::ProfileImageUrl | Field::BackgroundImageUrl => {
            json!({ "type": ["string", "null"] })
        }
        Field::JoinedAt => json!({ "type": "string", "format": "date-time" }),
        Field::TweetCount | Field::FollowingCount | Field::FollowersCount | Field::LikeCount | Field::ListCount => {
            json!({ "type": "integer", "minimum": 0 })
        }
    }
}

fn users() -> Value {
    let withheld = json!({
        "type": "object",
        "properties": {
            "user_id": reference("schemas", "UserId"),
            "state": { "type": "string", "enum": ["suspended", "deactivated"] },
        },
        "required": ["user_id", "state"],
        "additionalProperties": false,
    });
    json!({
        "type": "object",
        "description": "Each id asked for stands in exactly one of the three",
        "properties": {
            "users": { "type": "array", "items": reference("schemas", "User") },
            "unknown": { "type": "array", "items": reference("schemas", "UserId") },
            "withheld": { "type": "array", "items": withheld },
        },
        "required": ["users", "unknown", "withheld"],
        "additionalProperties": false,
    })
}

fn batch() -> Value {
    json!({
        "type": "object",
        "properties": {
            "ids": {
                "type": "array", "minItems": 1, "maxItems": BATCH_IDS_MAX, "items": reference("schemas", "UserId"),
            },
            "fields": { "type": ["array", "null"], "minItems": 1, "items": reference("schemas", "Field") },
        },
        "required": ["ids"],
        "additionalProperties": false,
    })
}

fn problem() -> Value {
    json!({
        "type": "object",
        "description": "RFC 9457",
        "properties": {
            "type": { "type": "string" },
            "title": { "type": "string" },
            "status": { "type": "integer" },
            "detail": { "type": "string" },
            "user_id": reference("schemas", "UserId"),
        },
        "required": ["type", "title", "status", "detail"],
        "additionalProperties": false,
    })
}

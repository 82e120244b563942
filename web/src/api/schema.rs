//! JSON schemas of what is sent and answered, made from the types that are read and written.
//!
//! One shape serves both directions, as the API promises: what an answer holds may be sent back. The dialect is that
//! of OpenAPI 3.1 (JSON Schema 2020-12).

use std::borrow::Cow;
use std::marker::PhantomData;

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value};

/// Where the document keeps shapes that have a name.
pub(crate) const PLACE: &str = "/components/schemas";

/// A generator whose references fit the document.
pub(crate) fn generator() -> SchemaGenerator {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = Cow::Borrowed(PLACE);
        settings.meta_schema = None;
    });
    settings.into_generator()
}

/// The shape itself.
pub(crate) fn whole<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    T::json_schema(generator)
}

/// The shape by its name.
pub(crate) fn reference<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

fn members<'a>(schema: &'a mut Map<String, Value>, name: &str, empty: Value) -> &'a mut Value {
    schema.entry(name).or_insert(empty)
}

/// An object with the members of two.
pub(crate) struct With<A, B>(PhantomData<(A, B)>);

impl<A: JsonSchema, B: JsonSchema> JsonSchema for With<A, B> {
    fn schema_name() -> Cow<'static, str> {
        format!("{}{}", A::schema_name(), B::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut first = A::json_schema(generator);
        let mut second = B::json_schema(generator);
        let (first_map, second_map) = (first.ensure_object(), second.ensure_object());
        if let Some(Value::Object(more)) = second_map.remove("properties")
            && let Value::Object(properties) = members(first_map, "properties", Value::Object(Map::new()))
        {
            properties.extend(more);
        }
        if let Some(Value::Array(more)) = second_map.remove("required")
            && let Value::Array(required) = members(first_map, "required", Value::Array(Vec::new()))
        {
            required.extend(more);
        }
        first
    }
}

/// One page of a list, with where the next one begins; `null` on the last.
pub(crate) struct List<T>(PhantomData<T>);

impl<T: JsonSchema> JsonSchema for List<T> {
    fn schema_name() -> Cow<'static, str> {
        format!("{}List", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let item = generator.subschema_for::<T>();
        json_schema!({
            "type": "object",
            "properties": {
                "items": { "type": "array", "items": item },
                "next": { "type": ["string", "null"], "description": "Sent as `cursor`, it gives the next page." },
                "filtered": { "type": "boolean", "description": "Set where the token sees only some of them." },
            },
            "required": ["items", "next"],
        })
    }
}

/// The shape of a request's body: read-only members may be sent back, and of a merge patch nothing is required.
pub(crate) fn request(body: &super::operation::Body, generator: &mut SchemaGenerator) -> Schema {
    let mut schema = (body.shape)(generator);
    let map = schema.ensure_object();
    if let Value::Object(properties) = members(map, "properties", Value::Object(Map::new())) {
        if body.patch {
            for property in properties.values_mut() {
                *property =
                    serde_json::json!({ "description": "Merged into what is there; null takes it away." });
            }
        }
        for name in body.read_only {
            let place = properties.entry(*name).or_insert(Value::Object(Map::new()));
            if let Value::Object(place) = place {
                place.insert("readOnly".to_owned(), Value::Bool(true));
            }
        }
    }
    if body.patch {
        map.remove("required");
    }
    schema
}

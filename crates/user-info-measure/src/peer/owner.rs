//! A service that owns one kind of data, with tables of its own: `GET /users/{id}` answers what it knows of a user.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use deadpool_postgres::Pool;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use serde::Serialize;
use user_info_core::Topic;
use user_info_service::answer::json;
use user_info_service::body::{AnswerBody, whole};
use user_info_service::listen::{self as front_listen, Closing, ConnectionCounts, ListenLimits};

use super::feed::{self, Standing};
use super::front::{bare, failed, readiness};
use super::pool::Database;
use super::schema::relation;
use super::{data, listen, shutdown};

/// How long clients have to take their last answers.
const GRACE: Duration = Duration::from_secs(1);

/// What a user's path begins with.
pub(super) const USERS: &str = "/users/";

struct Owner {
    topic: Topic,
    pool: Pool,
    standing: Standing,
}

/// Fills the tables of a topic and answers from them, until a signal.
pub(crate) async fn run(bootstrap: &str, database: &Database, topic: Topic) -> Result<()> {
    let stop = shutdown()?;
    let standing = feed::start(bootstrap, database, &[topic]).await?;
    let owner = Arc::new(Owner { topic, pool: database.pool()?, standing });
    let service_for = move |_| {
        let owner = Arc::clone(&owner);
        service_fn(move |request: Request<Incoming>| {
            let owner = Arc::clone(&owner);
            async move { Ok::<_, Infallible>(owner.answer(request.uri().path()).await) }
        })
    };
    let (limits, closing) = (ListenLimits::default(), Closing { signal: stop, grace: GRACE });
    front_listen::serve(listen().await?, None, service_for, limits, ConnectionCounts::default(), closing).await;
    Ok(())
}

impl Owner {
    async fn answer(&self, path: &str) -> Response<AnswerBody> {
        match path.strip_prefix(USERS) {
            Some(user) => self.about(user).await.unwrap_or_else(|error| bare(failed(&error).status())),
            None if path == "/ready" => readiness(&self.standing),
            None => bare(StatusCode::NOT_FOUND),
        }
    }

    async fn about(&self, user: &str) -> Result<Response<AnswerBody>> {
        Ok(match relation(self.topic) {
            Some(relation) => written(&data::counts(&self.pool, relation, user).await?),
            None => match data::profile(&self.pool, user).await? {
                Some(profile) => written(&profile),
                None => bare(StatusCode::NOT_FOUND),
            },
        })
    }
}

fn written(answer: &impl Serialize) -> Response<AnswerBody> {
    Response::new(whole(json(answer)))
}

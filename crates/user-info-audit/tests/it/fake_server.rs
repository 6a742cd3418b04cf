//! A small server that answers from a store in the words of the contract, and can be told to misbehave.

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};
use tokio::sync::oneshot;
use user_info_core::{AccountState, Id, Topic};
use user_info_store::{Store, UserRecord};

/// Called with the number of the request, from 0.
type Hook = Box<dyn Fn(usize) + Send + Sync>;

pub(crate) struct Behaviour {
    pub(crate) store: Store,
    /// Called before the positions are read.
    pub(crate) before: Hook,
    /// Called after the positions are read and before the store is.
    pub(crate) between: Hook,
    /// How many requests are answered 503.
    pub(crate) not_ready: usize,
    /// Answers every request with this status and body instead.
    pub(crate) canned: Option<(u16, &'static str)>,
    pub(crate) states_positions: bool,
}

impl Behaviour {
    pub(crate) fn good(store: Store) -> Self {
        let nothing = || Box::new(|_| ());
        Self { store, before: nothing(), between: nothing(), not_ready: 0, canned: None, states_positions: true }
    }
}

/// Serves until it is dropped.
pub(crate) struct FakeServer {
    pub(crate) url: String,
    requests: Arc<AtomicUsize>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl FakeServer {
    pub(crate) fn start(behaviour: Behaviour) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(AtomicUsize::new(0));
        let (stop, stopped) = oneshot::channel();
        let counter = Arc::clone(&requests);
        let thread = thread::spawn(move || serve(listener, Arc::new(behaviour), &counter, stopped));
        Self { url, requests, stop: Some(stop), thread: Some(thread) }
    }

    pub(crate) fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
}

impl Drop for FakeServer {
    fn drop(&mut self) {
        drop(self.stop.take());
        let ended = self.thread.take().map(JoinHandle::join);
        if !thread::panicking() {
            ended.unwrap().unwrap();
        }
    }
}

fn serve(listener: TcpListener, behaviour: Arc<Behaviour>, counter: &Arc<AtomicUsize>, stopped: oneshot::Receiver<()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::from_std(listener).unwrap();
        let accept = async {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (behaviour, counter) = (Arc::clone(&behaviour), Arc::clone(counter));
                tokio::spawn(async move {
                    let service = service_fn(move |request: Request<Incoming>| {
                        let number = counter.fetch_add(1, Ordering::SeqCst);
                        let response = answer(&behaviour, number, &request);
                        async move { Ok::<_, std::convert::Infallible>(response) }
                    });
                    // A client that goes away is no concern of the tests.
                    drop(http1::Builder::new().serve_connection(TokioIo::new(stream), service).await);
                });
            }
        };
        tokio::select! {
            () = accept => {}
            _ = stopped => {}
        }
    });
}

fn answer(behaviour: &Behaviour, number: usize, request: &Request<Incoming>) -> Response<Full<Bytes>> {
    if number < behaviour.not_ready {
        return Response::builder().status(503).header("retry-after", "0").body(Full::default()).unwrap();
    }
    (behaviour.before)(number);
    let positions = positions_header(&behaviour.store);
    (behaviour.between)(number);
    let query = request.uri().query().unwrap();
    let (status, body) = match behaviour.canned {
        Some((status, body)) => (status, body.to_owned()),
        None => look_up(&behaviour.store, query),
    };
    let response = Response::builder().status(status);
    let response =
        if behaviour.states_positions { response.header("user-info-positions", positions) } else { response };
    response.body(Full::from(body)).unwrap()
}

fn positions_header(store: &Store) -> String {
    let positions = store.positions().unwrap();
    let topic = |topic: Topic| {
        let offsets = positions.iter().filter(|it| it.topic == topic).map(|it| it.next_offset.to_string());
        format!("{topic}={}", offsets.collect::<Vec<_>>().join(","))
    };
    Topic::FACTS.map(topic).join(";")
}

fn look_up(store: &Store, query: &str) -> (u16, String) {
    let (parameter, value) = query.split_once('=').unwrap();
    match parameter {
        "ids" => (200, look_up_ids(store, value).to_string()),
        "username" => {
            let name = decoded(value);
            match store.find(&name).unwrap() {
                Some(record) => match record.profile.as_ref().unwrap().profile.state {
                    AccountState::Active => (200, page(&record).unwrap().to_string()),
                    AccountState::Suspended => (403, "{}".into()),
                    AccountState::Deactivated => (404, "{}".into()),
                },
                None => (404, "{}".into()),
            }
        }
        other => panic!("nothing is asked by {other}"),
    }
}

fn look_up_ids(store: &Store, ids: &str) -> Value {
    let ids: Vec<Id> = ids.split(',').map(|id| Id::new(&decoded(id)).unwrap()).collect();
    assert!(ids.len() <= 100, "a request has at most 100 ids, this one has {}", ids.len());
    let (mut users, mut unknown, mut withheld) = (Vec::new(), Vec::new(), Vec::new());
    for (id, record) in ids.iter().zip(store.get_many(&ids).unwrap()) {
        let state = record.as_ref().and_then(|record| Some(record.profile.as_ref()?.profile.state));
        match state {
            None => unknown.push(id.as_str()),
            Some(AccountState::Active) => users.extend(record.as_ref().and_then(page)),
            Some(state) => withheld.push(json!({"user_id": id.as_str(), "state": state.name()})),
        }
    }
    json!({"users": users, "unknown": unknown, "withheld": withheld})
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8().unwrap().into_owned()
}

fn page(record: &UserRecord) -> Option<Value> {
    let profile = &record.profile.as_ref()?.profile;
    Some(json!({
        "user_id": record.user.as_str(), "username": profile.username, "name": profile.name, "bio": profile.bio,
        "location": profile.location, "url": profile.url, "joined_at": profile.joined_at.to_string(),
        "profile_image_url": profile.profile_image_url, "background_image_url": profile.background_image_url,
        "tweet_count": record.counts.tweets, "following_count": record.counts.following,
        "followers_count": record.counts.followers, "like_count": record.counts.likes,
        "list_count": record.counts.lists, "a_later_field": true
    }))
}

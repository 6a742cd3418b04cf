//! A stream of the test's own, in which accounts live and die as well: statuses, repetitions, deletions before and after
//! their tweets, accounts hidden, shown again and deleted. Every connection goes on where the stream is.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};

/// Messages sent together, and the time between: about a thousand a second.
const MESSAGES: usize = 20;
const INTERVAL: Duration = Duration::from_millis(20);
/// Who writes at a time; whoever leaves is replaced by somebody new.
const WRITERS: usize = 300;
/// Tweets that can be deleted or repeated.
const RECENT: usize = 500;

/// A server that ends with the test.
pub(crate) struct Stream {
    address: SocketAddr,
    over: Arc<AtomicBool>,
}

impl Stream {
    pub(crate) fn start(seed: u64) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let (address, over) = (listener.local_addr().unwrap(), Arc::new(AtomicBool::new(false)));
        let (scene, ended) = (Arc::new(Mutex::new(Scene::new(seed))), Arc::clone(&over));
        thread::spawn(move || {
            while let Ok((socket, _)) = listener.accept() {
                if ended.load(Ordering::Relaxed) {
                    return;
                }
                let (scene, ended) = (Arc::clone(&scene), Arc::clone(&ended));
                // A client that goes away is what the test is about.
                thread::spawn(move || drop(send(socket, &scene, &ended)));
            }
        });
        Self { address, over }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/1.1/statuses/sample.json", self.address)
    }

    /// Says nothing more, to nobody.
    pub(crate) fn end(&self) {
        self.over.store(true, Ordering::Relaxed);
        // Wakes the thread that waits for connections.
        drop(TcpStream::connect(self.address));
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.end();
    }
}

fn send(mut socket: TcpStream, scene: &Mutex<Scene>, over: &AtomicBool) -> std::io::Result<()> {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        socket.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    socket.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")?;
    while !over.load(Ordering::Relaxed) {
        let mut chunk = String::new();
        let mut scene = scene.lock().unwrap_or_else(PoisonError::into_inner);
        (0..MESSAGES).for_each(|_| scene.append(&mut chunk));
        drop(scene);
        write!(socket, "{:x}\r\n{chunk}\r\n", chunk.len())?;
        thread::sleep(INTERVAL);
    }
    Ok(())
}

struct Scene {
    rng: ChaCha8Rng,
    last_tweet: u64,
    last_user: u64,
    writers: Vec<u64>,
    /// Whoever is hidden, with the message that shows them again.
    hidden: VecDeque<(u64, &'static str)>,
    recent: VecDeque<(u64, u64)>,
}

impl Scene {
    fn new(seed: u64) -> Self {
        Self {
            rng: ChaCha8Rng::seed_from_u64(seed),
            last_tweet: now_ms() << 20,
            last_user: WRITERS as u64,
            writers: (1..=WRITERS as u64).collect(),
            hidden: VecDeque::new(),
            recent: VecDeque::new(),
        }
    }

    fn append(&mut self, chunk: &mut String) {
        let message = match self.rng.random_range(0..1_000) {
            0..50 => self.deletion(),
            50..65 => self.hide(),
            65..70 => self.show(),
            _ => self.status(),
        };
        chunk.push_str(&message.to_string());
        chunk.push_str("\r\n");
    }

    fn status(&mut self) -> Value {
        self.last_tweet += 1;
        let writer = self.writers[self.rng.random_range(0..self.writers.len())];
        let mut message = self.tweet(self.last_tweet, writer);
        if let Some(&(tweet, author)) = self.recent.get(self.rng.random_range(0..RECENT)) {
            message["retweeted_status"] = self.tweet(tweet, author);
        }
        self.recent.push_back((self.last_tweet, writer));
        if self.recent.len() > RECENT {
            self.recent.pop_front();
        }
        message
    }

    fn tweet(&mut self, tweet: u64, user: u64) -> Value {
        json!({
            "created_at": "Mon Nov 23 08:30:00 +0000 2026",
            "id_str": tweet.to_string(),
            "text": format!("tweet {tweet}"),
            "in_reply_to_status_id": null,
            "timestamp_ms": now_ms().to_string(),
            "user": {
                "id_str": user.to_string(),
                "name": format!("name {}", self.rng.random_range(0..3)),
                "screen_name": format!("user{user}"),
                "created_at": "Wed Feb 29 19:42:02 +0000 2012",
                "description": null, "location": null, "url": null, "profile_image_url_https": null,
                "followers_count": self.rng.random_range(-1..20),
                "friends_count": self.rng.random_range(0..20),
            },
        })
    }

    /// Of a tweet that was sent, or of the one that comes next.
    fn deletion(&mut self) -> Value {
        let next = (self.last_tweet + 1, self.writers[0]);
        let (tweet, user) = match self.recent.pop_back() {
            Some(recent) if self.rng.random_ratio(9, 10) => recent,
            Some(_) | None => next,
        };
        json!({"delete": {"status": {"id_str": tweet.to_string(), "user_id_str": user.to_string()}}})
    }

    fn hide(&mut self) -> Value {
        self.last_user += 1;
        let index = self.rng.random_range(0..self.writers.len());
        let user = std::mem::replace(&mut self.writers[index], self.last_user);
        let (hide, show) =
            if self.rng.random() { ("user_delete", "user_undelete") } else { ("user_suspend", "user_unsuspend") };
        self.hidden.push_back((user, show));
        account(hide, user)
    }

    /// Soon enough for some whose account was deleted to come back in time; some never will.
    fn show(&mut self) -> Value {
        if let Some((user, "user_undelete")) = self.hidden.pop_front() {
            let mut gone = account("user_delete", user);
            gone["user_delete"]["permanent"] = json!(true);
            return gone;
        }
        match self.hidden.pop_back() {
            Some((user, show)) => {
                self.writers.push(user);
                account(show, user)
            }
            None => self.status(),
        }
    }
}

fn account(kind: &str, user: u64) -> Value {
    json!({kind: {"id": user, "timestamp_ms": now_ms().to_string()}})
}

fn now_ms() -> u64 {
    u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
}

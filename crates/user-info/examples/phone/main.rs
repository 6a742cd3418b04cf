//! An evening with the app: what each of its steps takes on the wire.
//!
//! `cargo run -p user-info --example phone -- http://127.0.0.1:8080 USER [USER]…` asks a running server: the first user is the
//! profile that is looked at, all of them are the list. `https` takes the authorities of the system, or of `SSL_CERT_FILE`.

#![expect(clippy::print_stdout, reason = "an example prints what it does")]

mod client;

use std::time::Duration;

use anyhow::Context;
use client::{Answer, Live, Phone};
use rustls::RootCertStore;
use tokio::time::timeout;

/// How long somebody looks at a screen.
const LOOK: Duration = Duration::from_secs(10);

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [server, users @ ..] = &arguments[..] else { anyhow::bail!("usage: phone SERVER USER [USER]…") };
    let users: Vec<&str> = users.iter().map(String::as_str).collect();
    let user = *users.first().context("name at least one user")?;
    let mut meter = Meter { phone: Phone::connect(&server.parse()?, authorities()).await?, counted: (0, 0) };

    println!("{:<58} {:>7} {:>9}", "step", "sent", "received");
    let first = meter.phone.profile(user).await?;
    meter.note("connect, and the profile that is looked at");
    meter.phone.faces(&users).await?;
    meter.note(&format!("a list of {} people", users.len()));
    meter.phone.faces(&users).await?;
    meter.note("the same list again");
    let second = meter.phone.profile(user).await?;
    meter.note(if matches!(second, Answer::Same(_)) { "the profile again, unchanged" } else { "the profile, changed" });
    let mut live = meter.phone.watch(user).await?;
    live.next().await?;
    meter.note("live counts: the first event");
    let changes = look(&mut live).await?;
    meter.note(&format!("live counts for {} s, {changes} changes", LOOK.as_secs()));
    meter.phone.leave(live);
    tokio::time::sleep(LOOK).await;
    meter.note(&format!("in the background for {} s", LOOK.as_secs()));
    let mut live = meter.phone.watch(user).await?;
    let _ = timeout(LOOK, live.next()).await;
    meter.note("back in the foreground, the first event");
    let (Answer::New(profile) | Answer::Same(profile)) = first;
    println!("\nThe profile: {profile}");
    Ok(())
}

/// Those that the system believes, or those in the file that `SSL_CERT_FILE` names.
fn authorities() -> RootCertStore {
    let mut authorities = RootCertStore::empty();
    authorities.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    authorities
}

/// Counts changes for as long as somebody looks.
async fn look(live: &mut Live) -> anyhow::Result<usize> {
    let mut changes = 0;
    let _ = timeout(LOOK, async {
        while live.next().await?.is_some() {
            changes += 1;
        }
        anyhow::Ok(())
    })
    .await;
    Ok(changes)
}

struct Meter {
    phone: Phone,
    counted: (u64, u64),
}

impl Meter {
    /// Prints what went over the wire since the last step.
    fn note(&mut self, step: &str) {
        let (sent, received) = self.phone.traffic();
        println!("{step:<58} {:>7} {:>9}", sent - self.counted.0, received - self.counted.1);
        self.counted = (sent, received);
    }
}

//! What packing answers costs and saves: the table in `docs/native-api.md`.
//!
//! `cargo run --release -p user-info-service --example packing`. The users are made up of words, names and numbers as long as
//! real ones; no two are alike. A time is processor time, the best of five rounds.

#![expect(clippy::print_stdout, reason = "the table is the result")]

use user_info_service::encoding::Coding;

const COUNTS: [usize; 7] = [1, 2, 4, 10, 20, 100, 1_000];
const ROUNDS: usize = 5;
const BYTES_PER_ROUND: usize = 3_000_000;

const WORDS: [&str; 24] = [
    "coffee",
    "mountains",
    "distributed",
    "systems",
    "cat",
    "offset",
    "writer",
    "mother",
    "engineer",
    "music",
    "love",
    "football",
    "Zürich",
    "tokyo",
    "opinions",
    "my",
    "own",
    "student",
    "news",
    "photo",
    "travel",
    "she/her",
    "since",
    "books",
];

fn main() {
    println!("| users | bytes | zstd | br | gzip |\n|---|---|---|---|---|");
    for count in COUNTS {
        let body = body(count);
        let cells: Vec<String> = Coding::ALL.into_iter().map(|coding| cell(coding, &body)).collect();
        println!("| {count} | {} | {} |", body.len(), cells.join(" | "));
    }
}

fn cell(coding: Coding, body: &[u8]) -> String {
    let times = (BYTES_PER_ROUND / body.len()).max(3);
    let round = |_| {
        let began = processor_time_ns();
        (0..times).for_each(|_| drop(std::hint::black_box(coding.pack(body))));
        (processor_time_ns() - began) as f64 / 1e3 / times as f64
    };
    let best = (0..ROUNDS).map(round).fold(f64::MAX, f64::min);
    format!("{} in {best:.0} µs", coding.pack(body).len())
}

/// Of this thread, whatever else the machine does meanwhile.
fn processor_time_ns() -> u64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux tells it");
    text.split(' ').next().and_then(|field| field.parse().ok()).expect("its first field is a number")
}

fn body(count: usize) -> Vec<u8> {
    let mut random = Random(7);
    let users: Vec<String> = (0..count).map(|_| user(&mut random)).collect();
    let list = format!(r#"{{"users":[{}],"unknown":[],"withheld":[]}}"#, users.join(","));
    if count == 1 { users.concat().into_bytes() } else { list.into_bytes() }
}

fn user(random: &mut Random) -> String {
    let id = 1_000_000_000_000_000_000 + random.below(400_000_000_000_000_000);
    let (name, bio, location) = (random.words(2), random.words(14), random.words(2));
    let image = format!("https://images.example/{id}/{}.jpg", random.below(1 << 40));
    let banner = format!("https://images.example/banners/{id}/{}", random.below(1 << 30));
    let [link, year, second] = [1 << 30, 16, 31_536_000].map(|bound| random.below(bound));
    let joined_at = format!("20{:02}-01-01T{:02}:{:02}:{:02}.000Z", year + 8, second % 24, second % 60, second % 59);
    let [tweets, following, followers, likes, lists] =
        [50_000, 3_000, 100_000, 40_000, 9].map(|bound| random.below(bound));
    serde_json::json!({
        "user_id": id.to_string(), "username": format!("{}_{}", name.replace(' ', ""), random.below(1_000)), "name": name,
        "bio": bio, "location": location, "url": format!("https://example.org/{link}"), "joined_at": joined_at,
        "profile_image_url": image, "background_image_url": banner, "tweet_count": tweets, "following_count": following,
        "followers_count": followers, "like_count": likes, "list_count": lists,
    })
    .to_string()
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }

    fn words(&mut self, count: usize) -> String {
        let word = |_| WORDS[self.below(WORDS.len() as u64) as usize];
        (0..count).map(word).collect::<Vec<_>>().join(" ")
    }
}

//! Pages in a real Chromium, wide and narrow, light and dark, with and without scripts.
//!
//! With `USER_INFO_SCREENSHOTS=DIRECTORY` what they look like is written there.

use std::path::PathBuf;

use user_info_core::{AccountState, Profile};
use user_info_log::NewRecord;
use user_info_service::ServiceConfig;
use user_info_service::pages::PagesConfig;
use user_info_testkit::{Browser, Viewport, eventually};

use crate::facts::{followed, liked, list_created, profile, tweeted, user_changed, user_in_state};
use crate::server::{LIMIT, Server, World, config};

const VIEWPORTS: [(&str, Viewport); 4] = [
    ("wide", Viewport::WIDE),
    ("narrow", Viewport::NARROW),
    ("wide-dark", Viewport { dark: true, ..Viewport::WIDE }),
    ("narrow-dark", Viewport { dark: true, ..Viewport::NARROW }),
];

/// What a hostile user tries wherever there is a text.
const SCRIPTS: &str = "</title></textarea><script>window.ran=1</script><img src=x onerror=\"window.ran=1\">\
                       <svg onload=window.ran=1><a href=javascript:window.ran=1 autofocus onfocus=window.ran=1>\"'>";

/// A server with a few users, and a browser.
struct Scene {
    browser: Browser,
    server: Server,
    world: World,
}

impl Scene {
    fn new(config: ServiceConfig) -> Self {
        let world = World::new();
        world.publish(&population());
        let server = world.start_with(config);
        server.until_caught_up(&world.log);
        Self { browser: Browser::start().unwrap(), server, world }
    }

    fn open(&self, target: &str) {
        self.browser.open(&format!("http://{}{target}", self.server.public)).unwrap();
    }

    /// Waits until the first element of the page that the selector finds has this text.
    #[track_caller]
    fn until_text(&self, selector: &str, expected: &str) {
        let text = format!("{selector} is {expected:?}");
        eventually(LIMIT, &text, || self.browser.text(selector).is_ok_and(|text| text == expected));
    }

    /// Waits until the script of the page has heard of the user once.
    #[track_caller]
    fn until_live(&self) {
        let is_live = "!!document.querySelector('[data-live]')";
        eventually(LIMIT, "the page is live", || self.browser.evaluate(is_live).unwrap() == true);
    }

    #[track_caller]
    fn evaluates_to(&self, expression: &str, expected: impl Into<serde_json::Value>) {
        assert_eq!(self.browser.evaluate(expression).unwrap(), expected.into(), "{expression}");
    }

    /// Nobody has to scroll sideways, nobody is kept out, nothing fails, and nothing is asked of another host.
    #[track_caller]
    fn check_page(&self, page: &str) {
        assert_eq!(self.browser.overhang().unwrap(), 0, "{page} is wider than its window");
        assert_eq!(self.browser.findings().unwrap(), [], "{page}");
        let origin = format!("http://{}/", self.server.public);
        let elsewhere = |address: &String| !address.starts_with(&origin) && !address.starts_with("data:");
        let foreign: Vec<String> = self.browser.requested().unwrap().into_iter().filter(elsewhere).collect();
        assert_eq!(foreign, Vec::<String>::new(), "{page} asks others");
        let complaints = self.browser.complaints().unwrap();
        let unexpected = |complaint: &&String| !is_about(complaint, page);
        assert_eq!(complaints.iter().find(unexpected), None, "{page}");
    }
}

/// Chromium complains of every page whose status is an error, which some of these shall have.
fn is_about(complaint: &str, page: &str) -> bool {
    complaint.split(' ').next().is_some_and(|address| address.ends_with(page)) && complaint.contains("status of 4")
}

fn population() -> Vec<NewRecord> {
    let user = |id: &str, username: &str, name: &str| {
        NewRecord::fact(&user_changed(id, Profile { name: name.into(), ..profile(username) }))
    };
    let ada = Profile {
        name: "Ada Lovelace".into(),
        bio: Some("Notes on the Analytical Engine, mostly note G.\nLong equations & short walks.".into()),
        location: Some("London".into()),
        url: Some("https://example.org/ada".into()),
        ..profile("ada")
    };
    let mut records = vec![
        NewRecord::fact(&user_changed("12", ada)),
        user("13", "grace", "Grace Hopper"),
        user("14", "alan_turing", "Alan Turing"),
        user("15", "barbara", "Barbara Liskov"),
        user("16", "ali", "علي"),
        user("17", "edsger", "Edsger W. Dijkstra"),
        user("18", "margaret_h", "Margaret Hamilton"),
        user("19", "adele", "Adele Goldberg"),
        NewRecord::fact(&user_changed("666", hostile())),
        user_in_state("20", AccountState::Suspended),
        user_in_state("21", AccountState::Deactivated),
    ];
    for (followee, followers) in [("12", 1_204), ("13", 60), ("14", 35), ("15", 21), ("17", 13), ("18", 8), ("19", 1)] {
        records.extend((0..followers).map(|number| followed(&format!("f{number}"), followee)));
    }
    records.extend((0..311).map(|number| followed("12", &format!("followee{number}"))));
    records.extend((0..87).map(|number| tweeted("12", &format!("t{number}"))));
    records.extend((0..452).map(|number| liked("12", &format!("l{number}"))));
    records.extend((0..7).map(|number| list_created("12", &format!("list{number}"))));
    records
}

/// Everything that a profile can hold to run something or to break a page. The right-to-left override is never closed.
fn hostile() -> Profile {
    let tower = "Z\u{336}\u{34f}\u{300}".repeat(40);
    Profile {
        username: "x".repeat(200) + "\"'<b>&/?#%",
        name: format!("\u{202e}שלום{SCRIPTS}{tower}{}", "W".repeat(10_000)),
        bio: Some(format!("{SCRIPTS}{}\u{202e}مرحبا\n\n{tower}", "M".repeat(3_000))),
        location: Some(format!("{SCRIPTS}{}", "L".repeat(500))),
        url: Some(format!("javascript:window.ran=1//{}", "u".repeat(500))),
        profile_image_url: Some("https://evil.example/tracks-you.png".into()),
        background_image_url: Some(format!("javascript:window.ran=1 {SCRIPTS}")),
        ..profile("x")
    }
}

const HOSTILE_PATH: &str = "%22%27%3Cb%3E%26%2F%3F%23%25";

fn hostile_page() -> String {
    format!("/@{}{HOSTILE_PATH}", "x".repeat(200))
}

fn keep(name: &str, browser: &Browser) {
    if let Some(directory) = std::env::var_os("USER_INFO_SCREENSHOTS").map(PathBuf::from) {
        std::fs::create_dir_all(&directory).unwrap();
        std::fs::write(directory.join(format!("{name}.png")), browser.screenshot().unwrap()).unwrap();
    }
}

#[test]
fn every_page_fits_is_accessible_and_asks_nobody_else() {
    let scene = Scene::new(config());
    let hostile = hostile_page();
    let pages = [
        ("start", "/"),
        ("search", "/?q=ad"),
        ("nobody-found", "/?q=nobody"),
        ("user", "/@ada"),
        ("hostile", hostile.as_str()),
        ("not-found", "/@nobody"),
        ("suspended", "/@name-20"),
        ("deactivated", "/@name-21"),
        ("home", "/home?user=12"),
        ("home-hostile", "/home?user=666"),
        ("home-of-nobody", "/home"),
        ("card", "/cards/12/frame"),
        ("card-hostile", "/cards/666/frame"),
        ("card-suspended", "/cards/20/frame"),
    ];
    for (size, viewport) in VIEWPORTS {
        scene.browser.look(viewport).unwrap();
        for (name, target) in pages {
            scene.open(target);
            scene.check_page(target);
            scene.evaluates_to("typeof window.ran", "undefined");
            scene.evaluates_to("[...document.links].filter(a => !/^https?:/.test(a.href)).length", 0);
            keep(&format!("{name}-{size}"), &scene.browser);
        }
    }
}

#[test]
fn a_follow_moves_the_count_on_the_open_page() {
    let scene = Scene::new(config());
    let followers = "[data-field=followers_count]";
    scene.open("/@ada");
    scene.until_text(followers, "1,204");
    scene.browser.evaluate("window.same = true").unwrap();
    scene.world.publish(&[followed("somebody-new", "12")]);
    scene.until_text(followers, "1,205");
    scene.evaluates_to("window.same", true);
    scene.evaluates_to("document.querySelector('.live').checkVisibility()", true);
}

#[test]
fn a_page_whose_user_is_suspended_says_so_by_itself() {
    let scene = Scene::new(config());
    scene.open("/@ada");
    scene.until_live();
    let suspended = Profile { state: AccountState::Suspended, ..profile("ada") };
    scene.world.publish(&[NewRecord::fact(&user_changed("12", suspended))]);
    scene.until_text("h1", "User suspended");
}

#[test]
fn a_page_that_nobody_sees_asks_for_nothing() {
    let scene = Scene::new(config());
    let followers = "[data-field=followers_count]";
    scene.open("/@ada");
    scene.until_live();
    let hide = |hidden: bool| {
        let script = format!(
            "Object.defineProperty(document, 'hidden', {{ value: {hidden}, configurable: true }});
             document.dispatchEvent(new Event('visibilitychange'))"
        );
        scene.browser.evaluate(&script).unwrap();
    };
    hide(true);
    scene.world.publish(&[followed("somebody-new", "12")]);
    scene.server.until_caught_up(&scene.world.log);
    // A whole load of another page takes longer than an event needs.
    scene.evaluates_to("fetch('/@grace').then(answer => answer.status)", 200);
    scene.until_text(followers, "1,204");
    hide(false);
    scene.until_text(followers, "1,205");
}

#[test]
fn pages_work_without_scripts() {
    let scene = Scene::new(config());
    scene.browser.allow_scripts(false).unwrap();
    scene.open("/");
    scene.browser.enter("#q", "ADA\u{e007}").unwrap();
    scene.until_text("#people", "Called “ADA”");
    scene.browser.click(".people a[href='/@ada']").unwrap();
    scene.until_text("h1", "Ada Lovelace");
    assert_eq!(scene.browser.text("[data-field=followers_count]").unwrap(), "1,204");
    assert!(scene.browser.text("noscript").unwrap().contains("as of when this page was made"));
    scene.evaluates_to("document.querySelector('.live').checkVisibility()", false);
    assert_eq!(scene.browser.overhang().unwrap(), 0);
}

#[test]
fn the_keyboard_reaches_the_content_first() {
    let scene = Scene::new(config());
    scene.open("/@ada");
    scene.browser.enter("body", "\u{e004}").unwrap();
    scene.evaluates_to("document.activeElement.className", "skip");
    scene.evaluates_to("document.activeElement.getBoundingClientRect().top >= 0", true);
    scene.browser.enter(".skip", "\u{e007}").unwrap();
    scene.evaluates_to("document.activeElement.id", "main");
}

#[test]
fn nothing_moves_for_those_who_do_not_want_it() {
    let scene = Scene::new(config());
    scene.open("/@ada");
    let animation = "(() => { const dd = document.querySelector('.counts dd'); dd.classList.add('moved');
                      return getComputedStyle(dd).animationName })()";
    scene.evaluates_to(animation, "moved");
    let features = serde_json::json!({ "features": [{ "name": "prefers-reduced-motion", "value": "reduce" }] });
    scene.browser.dev_tools("Emulation.setEmulatedMedia", features).unwrap();
    scene.evaluates_to(animation, "none");
}

#[test]
fn a_picture_that_does_not_come_is_replaced_by_ours() {
    // Nobody listens there.
    let images = vec!["https://127.0.0.1:1".parse().unwrap()];
    let pages = Some(PagesConfig { images, ..PagesConfig::default() });
    let scene = Scene::new(ServiceConfig { pages, ..config() });
    let away = Profile { profile_image_url: Some("https://127.0.0.1:1/face.png".into()), ..profile("away") };
    scene.world.publish(&[NewRecord::fact(&user_changed("30", away))]);
    scene.server.until_caught_up(&scene.world.log);
    scene.open("/@away");
    eventually(LIMIT, "the picture is replaced", || {
        let shown = "(() => { const it = document.querySelector('.picture');
                      return it.naturalWidth > 0 ? it.getAttribute('src') : '' })()";
        scene.browser.evaluate(shown).unwrap() == "/pictures/30/avatar.svg"
    });
}

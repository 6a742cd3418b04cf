//! Pages for people, on the public address: the user page, the start page, the home card and what they refer to.
//!
//! Rendered here and complete without JavaScript; the script only moves counts. Nothing is loaded from another host
//! unless the operator names it. Whatever users wrote is escaped by the templates, and may neither run nor lead anywhere
//! but to the web (`text`).

mod assets;
mod images;
mod pictures;
pub mod request;
mod response;
mod templates;
mod text;

use askama::Template;
use bytes::Bytes;
use hyper::{HeaderMap, Response};
use user_info_core::Id;
use user_info_store::{Store, UserRecord};

use crate::answer::Problem;
use crate::body::AnswerBody;
use crate::clock::now_ms;
use crate::found::{Found, Shown};
use crate::public::store_failed;
use crate::view::View;
use assets::Assets;
pub use images::{ImageOrigin, InvalidImageOrigin};
use request::{CardForm, PageAsked, Picture, Who};
pub use response::PageAnswer;
use response::{Kind, Policies};
use templates::{Card, CardFragment, CardFrame, Frame, HomePage, MessagePage, Person, StartPage, UserPage};

/// Users that the start page and the home page show.
const PEOPLE_MAX: usize = 12;

/// Users looked at to choose those from: enough that some can be shown, and less work than a request for many.
const SAMPLE: usize = 48;

/// What an operator may choose about pages.
#[derive(Clone, Debug, Default)]
pub struct PagesConfig {
    /// A page for `/` in place of the start page.
    pub start: Option<Bytes>,
    /// Servers whose pictures are shown; the others' are replaced by generated ones.
    pub images: Vec<ImageOrigin>,
}

/// The pages of a service.
#[derive(Debug)]
pub struct Pages {
    config: PagesConfig,
    assets: Assets,
    policies: Policies,
}

impl Pages {
    /// The pages with this configuration.
    pub fn new(config: PagesConfig) -> Self {
        Self { assets: Assets::default(), policies: Policies::new(&config.images), config }
    }

    /// Answers a request for a page.
    pub async fn answer(&self, asked: PageAsked, store: &Store, view: &View) -> PageAnswer {
        let form = if let PageAsked::Card(_, form) = &asked { Some(*form) } else { None };
        self.look_up(asked, store, view).await.unwrap_or_else(|problem| match form {
            None => self.message(problem, view),
            Some(form) => self.card(form, Card::Without(problem.detail()), Some(problem), view),
        })
    }

    /// The answer with its headers.
    pub async fn respond(&self, request: &HeaderMap, answer: PageAnswer) -> Response<AnswerBody> {
        answer.into_response(request, &self.policies).await
    }

    async fn look_up(&self, asked: PageAsked, store: &Store, view: &View) -> Result<PageAnswer, Problem> {
        match asked {
            PageAsked::Start { search } => self.start(&search, store, view).await,
            PageAsked::User(username) => self.user(&username, store, view).await,
            PageAsked::Home(who) => self.home(who, store, view).await,
            PageAsked::Card(user, form) => {
                let record = store.fetch(&user).await.map_err(store_failed)?;
                let shown = Found::of(record.as_ref()).or_problem(view.complete, || format!("the id {user}"))?;
                let card = Card::Of(Box::new(self.person(shown)));
                Ok(self.card(form, card, None, view))
            }
            PageAsked::Picture(user, picture) => Ok(drawn(&user, picture)),
            PageAsked::Asset(name) => {
                let asset = self.assets.find(&name).ok_or(Problem::NoSuchPath)?;
                Ok(PageAnswer { body: asset.content.clone(), kind: Kind::Asset(asset.kind.clone()), problem: None })
            }
            PageAsked::Wrong(problem) => Err(problem),
        }
    }

    async fn user(&self, username: &str, store: &Store, view: &View) -> Result<PageAnswer, Problem> {
        let record = store.look_up(username).await.map_err(store_failed)?;
        let shown = Found::of(record.as_ref()).or_problem(view.complete, || format!("the name @{username}"))?;
        Ok(page(&UserPage::new(self.frame(view), self.person(shown), shown.profile)))
    }

    async fn start(&self, search: &str, store: &Store, view: &View) -> Result<PageAnswer, Problem> {
        if let Some(body) = &self.config.start {
            return Ok(PageAnswer { body: body.clone(), kind: Kind::Foreign, problem: None });
        }
        let records = match search {
            "" => some_users(store).await?,
            search => store.search(search, PEOPLE_MAX).await.map_err(store_failed)?,
        };
        let people = self.people(&records);
        Ok(page(&StartPage { frame: self.frame(view), search, people, by_beginning: store.searches_by_beginning() }))
    }

    async fn home(&self, who: Option<Who>, store: &Store, view: &View) -> Result<PageAnswer, Problem> {
        let record = match &who {
            None => None,
            Some(Who::Id(user)) => store.fetch(user).await.map_err(store_failed)?,
            Some(Who::Username(username)) => store.look_up(username).await.map_err(store_failed)?,
        };
        let person = match who {
            None => None,
            Some(who) => Some(Found::of(record.as_ref()).or_problem(view.complete, || who.to_string())?),
        };
        let person = person.map(|shown| self.person(shown));
        let records = some_users(store).await?;
        let mut people = self.people(&records);
        people.retain(|other| person.as_ref().is_none_or(|person| person.id != other.id));
        Ok(page(&HomePage { frame: self.frame(view), person, people }))
    }

    fn card(&self, form: CardForm, card: Card<'_>, problem: Option<Problem>, view: &View) -> PageAnswer {
        let frame = self.frame(view);
        let body = match form {
            CardForm::Fragment => rendered(&CardFragment { frame, card }),
            CardForm::Frame => rendered(&CardFrame { frame, card }),
        };
        PageAnswer { body, kind: Kind::Card, problem }
    }

    fn message(&self, problem: Problem, view: &View) -> PageAnswer {
        let again_after = matches!(problem, Problem::NotCaughtUp | Problem::StoreUnavailable).then_some(1);
        let (_, heading) = problem.words();
        let page = MessagePage { frame: self.frame(view), heading, detail: problem.detail(), again_after };
        PageAnswer { body: rendered(&page), kind: Kind::Page, problem: Some(problem) }
    }

    fn frame(&self, view: &View) -> Frame<'_> {
        Frame { assets: &self.assets, age: text::age(view.age_ms(now_ms())) }
    }

    fn person<'record>(&self, shown: Shown<'record>) -> Person<'record> {
        Person::new(shown, &self.config.images)
    }

    /// Those of these who can be shown.
    fn people<'record>(&self, records: &'record [UserRecord]) -> Vec<Person<'record>> {
        let shown = records.iter().filter_map(|record| match Found::of(Some(record)) {
            Found::Shown(shown) => Some(self.person(shown)),
            Found::Suspended(_) | Found::Deactivated(_) | Found::Unknown => None,
        });
        shown.take(PEOPLE_MAX).collect()
    }
}

/// Those of a few users who have the most followers.
async fn some_users(store: &Store) -> Result<Vec<UserRecord>, Problem> {
    let mut records = store.sample(SAMPLE).await.map_err(store_failed)?;
    records.sort_by(|one, other| {
        other.counts.followers.cmp(&one.counts.followers).then_with(|| one.user.cmp(&other.user))
    });
    Ok(records)
}

fn drawn(user: &Id, picture: Picture) -> PageAnswer {
    let drawing = match picture {
        Picture::Avatar => pictures::avatar(user.as_str()),
        Picture::Banner => pictures::banner(user.as_str()),
    };
    PageAnswer { body: drawing.into(), kind: Kind::Picture, problem: None }
}

fn page(template: &impl Template) -> PageAnswer {
    PageAnswer { body: rendered(template), kind: Kind::Page, problem: None }
}

fn rendered(template: &impl Template) -> Bytes {
    template.render().expect("templates only write text to memory").into()
}

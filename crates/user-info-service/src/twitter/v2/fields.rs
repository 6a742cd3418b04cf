//! What of a user is asked for with `user.fields`, and what else v2 lets one ask for.

/// A field of which something is known here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// When the account was created.
    CreatedAt,
    /// The bio.
    Description,
    /// Links in the bio, and the web page.
    Entities,
    /// The id; always there.
    Id,
    /// Where the user says to be.
    Location,
    /// The display name; always there.
    Name,
    /// Address of the banner.
    ProfileBannerUrl,
    /// Address of the avatar.
    ProfileImageUrl,
    /// Always false.
    Protected,
    /// The counts.
    PublicMetrics,
    /// The web page.
    Url,
    /// The name behind the `@`; always there.
    Username,
    /// Always false.
    Verified,
    /// Always `none`.
    VerifiedType,
}

impl Field {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::CreatedAt,
        Self::Description,
        Self::Entities,
        Self::Id,
        Self::Location,
        Self::Name,
        Self::ProfileBannerUrl,
        Self::ProfileImageUrl,
        Self::Protected,
        Self::PublicMetrics,
        Self::Url,
        Self::Username,
        Self::Verified,
        Self::VerifiedType,
    ];

    /// The field's name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::CreatedAt => "created_at",
            Self::Description => "description",
            Self::Entities => "entities",
            Self::Id => "id",
            Self::Location => "location",
            Self::Name => "name",
            Self::ProfileBannerUrl => "profile_banner_url",
            Self::ProfileImageUrl => "profile_image_url",
            Self::Protected => "protected",
            Self::PublicMetrics => "public_metrics",
            Self::Url => "url",
            Self::Username => "username",
            Self::Verified => "verified",
            Self::VerifiedType => "verified_type",
        }
    }
}

/// Fields that clients may ask for and of which nothing is known here. They are left out, as what is empty is in v2.
pub(super) const UNKNOWN_FIELDS: [&str; 13] = [
    "affiliation",
    "confirmed_email",
    "connection_status",
    "is_identity_verified",
    "most_recent_tweet_id",
    "parody",
    "pinned_tweet_id",
    "receives_your_dm",
    "subscribes_to_you",
    "subscription",
    "subscription_type",
    "verified_followers_count",
    "withheld",
];

/// What may be asked for to come along; there is nothing of it here. The names with `tweet` are the older ones.
pub(super) const EXPANSIONS: [&str; 6] = [
    "affiliation",
    "affiliation.user_id",
    "most_recent_post_id",
    "most_recent_tweet_id",
    "pinned_post_id",
    "pinned_tweet_id",
];

/// A set of fields.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fields(u16);

impl Fields {
    /// Adds the field with this name; `None` if there is no such field. One of which nothing is known adds nothing.
    #[must_use]
    pub fn with(self, name: &str) -> Option<Self> {
        match Field::ALL.into_iter().find(|field| field.name() == name) {
            Some(field) => Some(Self(self.0 | 1 << field as u16)),
            None => UNKNOWN_FIELDS.contains(&name).then_some(self),
        }
    }

    /// Whether the field is asked for.
    pub fn has(self, field: Field) -> bool {
        self.0 & 1 << field as u16 != 0
    }

    /// `value` if the field is asked for.
    pub(super) fn of<T>(self, field: Field, value: impl FnOnce() -> T) -> Option<T> {
        self.has(field).then(value)
    }
}

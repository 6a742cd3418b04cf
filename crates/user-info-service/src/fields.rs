//! Which fields of a user an answer has: those that the request names, in the order of the answer, or all of them. Pure.

/// A field of a user, in the words of the requirement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// The id.
    UserId,
    /// The name that mentions use.
    Username,
    /// The name that is shown.
    Name,
    /// What the user says of themself.
    Bio,
    /// Where the user says to be.
    Location,
    /// The user's link.
    Url,
    /// When the user joined.
    JoinedAt,
    /// The picture.
    ProfileImageUrl,
    /// The picture behind the profile.
    BackgroundImageUrl,
    /// Tweets.
    TweetCount,
    /// Users whom the user follows.
    FollowingCount,
    /// Users who follow the user.
    FollowersCount,
    /// Tweets that the user likes.
    LikeCount,
    /// Lists that the user owns.
    ListCount,
}

impl Field {
    /// All of them, in the order of an answer.
    pub const ALL: [Self; 14] = [
        Self::UserId,
        Self::Username,
        Self::Name,
        Self::Bio,
        Self::Location,
        Self::Url,
        Self::JoinedAt,
        Self::ProfileImageUrl,
        Self::BackgroundImageUrl,
        Self::TweetCount,
        Self::FollowingCount,
        Self::FollowersCount,
        Self::LikeCount,
        Self::ListCount,
    ];

    /// Its name in requests and answers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::UserId => "user_id",
            Self::Username => "username",
            Self::Name => "name",
            Self::Bio => "bio",
            Self::Location => "location",
            Self::Url => "url",
            Self::JoinedAt => "joined_at",
            Self::ProfileImageUrl => "profile_image_url",
            Self::BackgroundImageUrl => "background_image_url",
            Self::TweetCount => "tweet_count",
            Self::FollowingCount => "following_count",
            Self::FollowersCount => "followers_count",
            Self::LikeCount => "like_count",
            Self::ListCount => "list_count",
        }
    }
}

/// A set of fields, never empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fields(u16);

impl Fields {
    /// All of them.
    pub const ALL: Self = Self((1 << Field::ALL.len()) - 1);

    /// Those with these names, in any order; the error says which names there are.
    pub fn named<'name>(names: impl IntoIterator<Item = &'name str>) -> Result<Self, String> {
        let mut fields = 0;
        for name in names {
            let field = Field::ALL.into_iter().find(|field| field.name() == name);
            fields |= 1 << field.ok_or_else(|| unknown(name))? as u16;
        }
        if fields == 0 { Err(unknown("")) } else { Ok(Self(fields)) }
    }

    /// Whether the field is in the set.
    pub const fn has(self, field: Field) -> bool {
        self.0 >> field as u16 & 1 == 1
    }

    /// How many there are.
    pub const fn count(self) -> usize {
        self.0.count_ones() as usize
    }
}

fn unknown(name: &str) -> String {
    let known = Field::ALL.map(Field::name).join(", ");
    format!("no field {name:?}; there are {known}")
}

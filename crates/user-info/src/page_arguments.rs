//! Options of the pages for people.

use clap::{ArgAction, Args};
use user_info_service::pages::{ImageOrigin, PagesConfig};

/// Pages on the clients' address.
#[derive(Args, Debug)]
#[command(next_help_heading = "Pages for people")]
pub(crate) struct PageArguments {
    /// Whether pages are served beside the API: / /@NAME /home /cards/ID
    #[arg(long, default_value_t = true, value_name = "BOOL", action = ArgAction::Set)]
    pages: bool,
    /// A server whose pictures pages show, as `https://pictures.example`; may be given several times. Browsers ask it for the
    /// pictures, so it learns of visitors. Pictures of other servers are replaced by generated ones
    #[arg(long, value_name = "ORIGIN")]
    page_images: Vec<ImageOrigin>,
}

impl PageArguments {
    pub(crate) fn config(&self) -> Option<PagesConfig> {
        self.pages.then(|| PagesConfig { images: self.page_images.clone(), ..PagesConfig::default() })
    }
}

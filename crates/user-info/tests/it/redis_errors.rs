//! Redis goes wrong in every way that it has, while servers run on it: away, silent, loading, a replica, full, emptied,
//! closed to us. Requests hear so at once, operators hear why, and whatever was published meanwhile is applied
//! afterwards: the audits find no difference.

mod scene;

mod away;
mod demos;
mod forgotten;
mod permissions;
mod rebuilding;
mod refusing;
mod sharing;
mod starting;

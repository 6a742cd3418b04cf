//! Archives, made by the tests, come back as the messages that were put into them.

mod archives;
mod damage;
mod formats;
mod garbled;
mod pace;
mod property;
mod rounds;
mod served;

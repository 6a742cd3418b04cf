//! What the tests share: the program, a world to run it in, one server, facts, and ways to wait.

pub(crate) mod checker;
pub(crate) mod facts;
pub(crate) mod http;
pub(crate) mod kafka;
pub(crate) mod mutant;
pub(crate) mod program;
pub(crate) mod replica;
pub(crate) mod shared_store;
pub(crate) mod stream;
pub(crate) mod turn;
pub(crate) mod waiting;
pub(crate) mod watching;
pub(crate) mod world;

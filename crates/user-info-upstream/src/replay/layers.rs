//! Readers around readers: one layer per packing, each of which remembers that it broke.
//!
//! Invariant: of the layers that an error passes on its way up, only the first, where it arose, notes it; and a layer
//! that failed once never delivers again. So one damage is one fault, and who unpacks knows how far up it reaches.

use std::cell::{Cell, RefCell};
use std::io::{self, ErrorKind, Read};

/// Where an error arose.
#[derive(Debug)]
pub(super) struct Failure {
    /// How many packings deep; 0 is the file itself.
    pub(super) depth: usize,
    /// What broke.
    pub(super) name: String,
    /// How.
    pub(super) reason: String,
}

/// The error that is on its way up, if any.
#[derive(Debug, Default)]
pub(super) struct Failures(RefCell<Option<Failure>>);

impl Failures {
    /// Notes an error, unless it comes from further down.
    pub(super) fn note(&self, depth: usize, name: &str, error: &io::Error) {
        let failure = || Failure { depth, name: name.to_owned(), reason: error.to_string() };
        self.0.borrow_mut().get_or_insert_with(failure);
    }

    pub(super) fn take(&self) -> Option<Failure> {
        self.0.take()
    }
}

/// One packing, or the file.
pub(super) struct Layer<'outer, R> {
    inner: R,
    name: &'outer str,
    depth: usize,
    failures: &'outer Failures,
    broken: bool,
}

impl<'outer, R> Layer<'outer, R> {
    pub(super) fn new(inner: R, name: &'outer str, depth: usize, failures: &'outer Failures) -> Self {
        Self { inner, name, depth, failures, broken: false }
    }
}

impl<R: Read> Read for Layer<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.broken {
            let error = io::Error::other("broken off before");
            self.failures.note(self.depth, self.name, &error);
            return Err(error);
        }
        self.inner.read(buffer).inspect_err(|error| {
            if error.kind() != ErrorKind::Interrupted {
                self.broken = true;
                self.failures.note(self.depth, self.name, error);
            }
        })
    }
}

/// Adds up what is read.
pub(super) struct Counted<'outer, R> {
    pub(super) inner: R,
    pub(super) total: &'outer Cell<u64>,
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.total.set(self.total.get() + read as u64);
        Ok(read)
    }
}

/// Lets through as many bytes as it is allowed, and then fails.
pub(super) struct Metered<'outer, R> {
    pub(super) inner: R,
    pub(super) allowance: &'outer Cell<u64>,
}

impl<R: Read> Read for Metered<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let allowed = usize::try_from(self.allowance.get()).unwrap_or(usize::MAX).min(buffer.len());
        if allowed == 0 && !buffer.is_empty() {
            return Err(io::Error::other("names and attributes of one entry are too long"));
        }
        let read = self.inner.read(&mut buffer[..allowed])?;
        self.allowance.set(self.allowance.get() - read as u64);
        Ok(read)
    }
}

/// An entry of a tar, whose library takes a tar's early end for the entry's.
pub(super) struct Whole<R> {
    pub(super) inner: R,
    /// Bytes that must still come.
    pub(super) left: u64,
}

impl<R: Read> Read for Whole<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.left = self.left.saturating_sub(read as u64);
        if read == 0 && self.left > 0 && !buffer.is_empty() {
            return Err(io::Error::new(ErrorKind::UnexpectedEof, "it ends within an entry"));
        }
        Ok(read)
    }
}

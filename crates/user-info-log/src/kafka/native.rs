//! Owning what librdkafka allocates: the one place that frees it.
#![expect(
    unsafe_code,
    reason = "librdkafka is C, and its safe wrapper lacks topic ids, member ids and the topics of ended partitions"
)]

use std::ffi::{CStr, c_char};
use std::ptr::NonNull;

use rdkafka::bindings as native;
use rdkafka::client::{Client, ClientContext};

/// Something that librdkafka allocated and that is freed with its function.
pub(super) struct Owned<T> {
    pointer: NonNull<T>,
    free: unsafe extern "C" fn(*mut T),
}

impl<T> Owned<T> {
    /// Takes over what `pointer` points to; `None` if it is null.
    ///
    /// # Safety
    /// Nobody else frees it, `free` is the function that does, and what it needs to live (the client) outlives this.
    pub(super) unsafe fn new(pointer: *mut T, free: unsafe extern "C" fn(*mut T)) -> Option<Self> {
        NonNull::new(pointer).map(|pointer| Self { pointer, free })
    }

    pub(super) fn pointer(&self) -> *mut T {
        self.pointer.as_ptr()
    }
}

impl<T> Drop for Owned<T> {
    fn drop(&mut self) {
        // SAFETY: by the promise to `new`, it is alive and this is its only owner and its function.
        unsafe { (self.free)(self.pointer.as_ptr()) }
    }
}

/// Whether a client knows itself as a member of its group at this moment.
pub(super) fn is_member<C: ClientContext>(client: &Client<C>) -> bool {
    // SAFETY: the client is alive, and the id is null or a C string that is ours to free.
    unsafe {
        let id = native::rd_kafka_memberid(client.native_ptr());
        let is_member = !text(id).is_empty();
        native::rd_kafka_mem_free(client.native_ptr(), id.cast());
        is_member
    }
}

/// Copies a C string; an absent one is empty.
///
/// # Safety
/// `text` is null or ends with a NUL, and nobody changes it meanwhile.
pub(super) unsafe fn text(text: *const c_char) -> String {
    if text.is_null() {
        return String::new();
    }
    // SAFETY: by the promise of the caller.
    unsafe { CStr::from_ptr(text) }.to_string_lossy().trim().to_owned()
}

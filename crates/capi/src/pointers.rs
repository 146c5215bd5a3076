//! The pointers of C, made references: where this library believes what its callers say.

use crate::guard::Failure;
use std::ffi::{CStr, c_char};

/// What a handle points to.
///
/// # Safety
/// `pointer` is NULL or points to a `T` that nobody changes meanwhile.
pub unsafe fn shared<'a, T>(pointer: *const T, name: &str) -> Result<&'a T, Failure> {
    // SAFETY: as promised above.
    unsafe { pointer.as_ref() }.ok_or_else(|| Failure::null(name))
}

/// What a handle points to, to be changed.
///
/// # Safety
/// `pointer` is NULL or points to a `T` that nobody else looks at meanwhile.
pub unsafe fn exclusive<'a, T>(pointer: *mut T, name: &str) -> Result<&'a mut T, Failure> {
    // SAFETY: as promised above.
    unsafe { pointer.as_mut() }.ok_or_else(|| Failure::null(name))
}

/// `count` values; NULL will do for none.
///
/// # Safety
/// `pointer` is NULL or points to `count` values that nobody changes meanwhile.
pub unsafe fn slice<'a, T>(pointer: *const T, count: usize, name: &str) -> Result<&'a [T], Failure> {
    check::<T>(pointer.is_null(), pointer.is_aligned(), count, name)?;
    if count == 0 {
        return Ok(&[]);
    }
    // SAFETY: as promised above; not NULL, aligned, and not longer than memory can be.
    Ok(unsafe { std::slice::from_raw_parts(pointer, count) })
}

/// Room for `count` values; NULL will do for none.
///
/// # Safety
/// `pointer` is NULL or points to `count` values that nobody else looks at meanwhile.
pub unsafe fn room<'a, T>(pointer: *mut T, count: usize, name: &str) -> Result<&'a mut [T], Failure> {
    check::<T>(pointer.is_null(), pointer.is_aligned(), count, name)?;
    if count == 0 {
        return Ok(&mut []);
    }
    // SAFETY: as promised above; not NULL, aligned, and not longer than memory can be.
    Ok(unsafe { std::slice::from_raw_parts_mut(pointer, count) })
}

fn check<T>(is_null: bool, is_aligned: bool, count: usize, name: &str) -> Result<(), Failure> {
    if count > 0 && is_null {
        return Err(Failure::null(name));
    }
    if count > 0 && !is_aligned {
        return Err(Failure::invalid(format!("{name} is not aligned")));
    }
    if count.checked_mul(size_of::<T>()).is_none_or(|bytes| bytes > isize::MAX as usize) {
        return Err(Failure::invalid(format!("{name} cannot have {count} values")));
    }
    Ok(())
}

/// A text.
///
/// # Safety
/// `pointer` is NULL or points to a text that ends with 0 and that nobody changes meanwhile.
pub unsafe fn text<'a>(pointer: *const c_char, name: &str) -> Result<&'a CStr, Failure> {
    if pointer.is_null() {
        return Err(Failure::null(name));
    }
    // SAFETY: as promised above, and not NULL.
    Ok(unsafe { CStr::from_ptr(pointer) })
}
